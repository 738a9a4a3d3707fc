"""
The audit of repairs: what is about to be sent, noted first, and then where the broker has it.

Why: whoever reads a figure must be able to find who changed what it rests on, when and why; a process that is killed between sending
and noting leaves a row that says so, and the same repair done again completes it.
Must not: hold a value that may be personal (processors/repair/fields.py shows what may be held), or change a dead letter.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.types.json import Jsonb

from processors.repair.mending import Change
from processors.store.letters import Letter
from schemas.errors import Fatal
from schemas.signed import Signed

__all__ = ["Audited", "RepairRuns", "ToSend", "alone", "audit", "begin", "broken_off", "done", "of_letter"]

_LOCK = 0x4D75_6172_0005
"""Key of the advisory lock of the one repair that sends."""
_COLUMNS: LiteralString = (
    "id, topic, partition, record_offset, cause, field, repaired_by, account, reason, file_name, file_digest, changes, begun_at,"
    " sent_topic, sent_partition, sent_offset, sent_at"
)
_SAME: LiteralString = "(repair.topic, repair.topic_id, repair.partition, repair.record_offset)"


class RepairRuns(Fatal):
    """another muara rejected repair is sending: wait until it has ended"""


@dataclass(frozen=True, slots=True)
class ToSend:
    """One repaired event that is about to be sent: its dead letter, what was changed, where it goes, and its value's SHA-256."""

    letter: Letter
    changes: Sequence[Change]
    topic: str
    value_digest: bytes


@dataclass(frozen=True, slots=True)
class Audited:
    """One repair as the audit holds it; without `sent_at` it was broken off, and its event was perhaps sent."""

    id: int
    topic: str
    partition: int
    offset: int
    cause: str
    field: str
    by: str
    account: str
    reason: str
    file_name: str
    file_digest: bytes
    changes: Sequence[Mapping[str, str]]
    begun_at: datetime
    sent_topic: str
    sent_partition: int | None
    sent_offset: int | None
    sent_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """Return it by name."""
        return {
            "id": self.id,
            "rejected": f"{self.topic}:{self.partition}:{self.offset}",
            "cause": self.cause,
            "field": self.field,
            "by": self.by,
            "account": self.account,
            "reason": self.reason,
            "file": self.file_name,
            "file_sha256": self.file_digest.hex(),
            "changes": list(self.changes),
            "begun_at": self.begun_at.isoformat(),
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
            "repaired": f"{self.sent_topic}:{self.sent_partition}:{self.sent_offset}" if self.sent_at else None,
        }


@contextmanager
def alone(conn: Connection[Any]) -> Iterator[None]:
    """Keep every other repair from sending meanwhile; raises `RepairRuns`."""
    row = conn.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    if not (row and row[0]):
        raise RepairRuns
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def begin(conn: Connection[Any], signed: Signed, events: Sequence[ToSend]) -> list[int]:
    """
    Note repairs that are about to be sent, and return their ids in the order given; all are kept, or none.

    The same repair, by the same person for the same reason, that was broken off is gone on with: its row is returned.
    """
    with conn.transaction(), conn.cursor() as cursor:
        return [_begun(cursor, signed, one) for one in events]


def _begun(cursor: Any, signed: Signed, one: ToSend) -> int:  # noqa: ANN401 - any cursor
    at = (one.letter.topic, one.letter.topic_id, one.letter.partition, one.letter.offset)
    who = (signed.by, signed.account, signed.reason, signed.file_name, signed.file_digest)
    row = cursor.execute(
        f"select id from repair where {_SAME} = (%s, %s, %s, %s) and sent_at is null and sent_topic = %s and value_digest = %s"  # noqa: S608
        " and (repaired_by, account, reason, file_name, file_digest) = (%s, %s, %s, %s, %s) order by id limit 1",
        (*at, one.topic, one.value_digest, *who),
    ).fetchone()
    if row is None:
        changes = [{"field": each.field, "how": each.how, "before": each.before, "after": each.after} for each in one.changes]
        row = cursor.execute(
            "insert into repair (topic, topic_id, partition, record_offset, cause, field, sent_topic, value_digest,"
            " repaired_by, account, reason, file_name, file_digest, changes)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
            (*at, one.letter.cause, one.letter.field, one.topic, one.value_digest, *who, Jsonb(changes)),
        ).fetchone()
    return int(row[0])


def done(conn: Connection[Any], sent: Mapping[int, tuple[int, int]]) -> None:
    """Note of repairs, by id, at which partition and offset the broker has them; all at one moment, all or none."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            "update repair set sent_partition = %s, sent_offset = %s, sent_at = now() where id = %s",
            [(partition, offset, number) for number, (partition, offset) in sent.items()],
        )


def broken_off(conn: Connection[Any], letters: Sequence[Letter]) -> set[int]:
    """Return the ids of those dead letters of which a repair was begun and none is known to have been sent."""
    rows = conn.execute(
        "select asked.id from unnest(%s::bigint[], %s::text[], %s::text[], %s::integer[], %s::bigint[])"  # noqa: S608 - a text of ours
        f" as asked (id, topic, topic_id, partition, record_offset) join repair on {_SAME}"
        " = (asked.topic, asked.topic_id, asked.partition, asked.record_offset) group by asked.id having bool_and(sent_at is null)",
        (
            [one.id for one in letters],
            [one.topic for one in letters],
            [one.topic_id for one in letters],
            [one.partition for one in letters],
            [one.offset for one in letters],
        ),
    ).fetchall()
    return {number for (number,) in rows}


def audit(conn: Connection[Any], limit: int, by: str | None = None, regency_topic: str | None = None) -> list[Audited]:
    """Return the newest repairs, at most `limit`, of one person and one topic or of any."""
    rows = conn.execute(
        f"select {_COLUMNS} from repair where (%(by)s::text is null or repaired_by = %(by)s)"  # noqa: S608 - a text of ours
        " and (%(topic)s::text is null or topic = %(topic)s) order by id desc limit %(limit)s",
        {"by": by, "topic": regency_topic, "limit": limit},
    ).fetchall()
    return [Audited(*row) for row in rows]


def of_letter(conn: Connection[Any], letter: Letter) -> list[Audited]:
    """Return all repairs of one dead letter, the first one first."""
    rows = conn.execute(
        f"select {_COLUMNS} from repair where {_SAME} = (%s, %s, %s, %s) order by id",  # noqa: S608 - texts of ours
        (letter.topic, letter.topic_id, letter.partition, letter.offset),
    ).fetchall()
    return [Audited(*row) for row in rows]

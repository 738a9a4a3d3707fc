"""
Dead letters as a person looks at them: listed, grouped by cause, one by one, or all that a repair is meant for.

Why: an operator asks which faults there are, how many of each, and what was done about them.
Must not: read what a dead letter speaks of (processors/records_at.py does), or write anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import Connection

from schemas.errors import Fatal
from schemas.topics import household_topic

__all__ = ["Filters", "Group", "Letter", "NoSuchLetter", "counted", "grouped", "in_order", "letter", "listed"]

CHUNK = 1_000
"""Dead letters that a repair holds at once."""
_IS_REPAIRED: LiteralString = (
    "exists (select from repair where sent_at is not null"
    " and (repair.topic, repair.topic_id, repair.partition, repair.record_offset)"
    " = (rejected.topic, rejected.topic_id, rejected.partition, rejected.record_offset))"
)
_COLUMNS: LiteralString = (
    f"id, topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest, {_IS_REPAIRED} as repaired"
)
_WANTED: LiteralString = (
    "(%(cause)s::text is null or cause = %(cause)s) and (%(field)s::text is null or field = %(field)s)"
    " and (%(topics)s::text[] is null or topic = any(%(topics)s))"
    " and (%(since)s::date is null or arrived_at >= (%(since)s::date::timestamp at time zone interval '9 hours'))"
    " and (%(until)s::date is null or arrived_at < ((%(until)s::date + 1)::timestamp at time zone interval '9 hours'))"
    f" and (%(repaired)s or not {_IS_REPAIRED})"
)


class NoSuchLetter(Fatal):
    """there is no rejected event {which}: give its id, or topic:partition:offset, as muara rejected list --all shows them"""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which dead letters are wanted; None is any. Days are days of arrival, in UTC+9 as for every rule about arrival."""

    cause: str | None = None
    field: str | None = None
    topics: Sequence[str] | None = None
    since: date | None = None
    until: date | None = None
    repaired: bool = False
    """With those that are repaired already."""

    @classmethod
    def of_regencies(cls, regencies: Sequence[str] | None, **more: Any) -> "Filters":  # noqa: ANN401 - the fields above
        """Return filters by regency instead of topic."""
        return cls(topics=None if regencies is None else [household_topic(one) for one in regencies], **more)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a query."""
        return {
            "cause": self.cause,
            "field": self.field,
            "topics": None if self.topics is None else list(self.topics),
            "since": self.since,
            "until": self.until,
            "repaired": self.repaired,
        }


@dataclass(frozen=True, slots=True)
class Letter:
    """One rejected event: where it lies, when it arrived, why it was rejected; `digest` is the SHA-256 of its value."""

    id: int
    topic: str
    topic_id: str
    partition: int
    offset: int
    arrived_at: datetime
    cause: str
    field: str
    message: str
    digest: bytes
    repaired: bool

    def as_dict(self) -> dict[str, Any]:
        """Return what is printed of it, by name."""
        return {
            "id": self.id,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "arrived_at": self.arrived_at.isoformat(),
            "cause": self.cause,
            "field": self.field,
            "message": self.message,
            "repaired": self.repaired,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one cause, field and topic: how many, when the first and the last arrived, and the last one's coordinates."""

    cause: str
    field: str
    topic: str
    count: int
    first_at: datetime
    last_at: datetime
    example: str

    def as_dict(self) -> dict[str, Any]:
        """Return it by name."""
        return {
            "cause": self.cause,
            "field": self.field,
            "topic": self.topic,
            "count": self.count,
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "example": self.example,
        }


def listed(conn: Connection[Any], filters: Filters, limit: int) -> list[Letter]:
    """Return dead letters, the newest first, at most `limit`."""
    rows = conn.execute(
        f"select {_COLUMNS} from rejected where {_WANTED} order by id desc limit %(limit)s",  # noqa: S608 - texts of this module
        {**filters.parameters(), "limit": limit},
    ).fetchall()
    return [Letter(*row) for row in rows]


def counted(conn: Connection[Any], filters: Filters) -> int:
    """Return how many dead letters there are."""
    row = conn.execute(f"select count(*) from rejected where {_WANTED}", filters.parameters()).fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def grouped(conn: Connection[Any], filters: Filters) -> list[Group]:
    """Return dead letters counted by cause, field and topic, the most first."""
    rows = conn.execute(
        "select cause, field, topic, count(*), min(arrived_at), max(arrived_at),"  # noqa: S608 - texts of this module
        " (array_agg(topic || ':' || partition || ':' || record_offset order by id desc))[1]"
        f" from rejected where {_WANTED} group by cause, field, topic order by 4 desc, 1, 2, 3",
        filters.parameters(),
    ).fetchall()
    return [Group(*row) for row in rows]


def letter(conn: Connection[Any], which: str) -> Letter:
    """Return one dead letter by its id or by `topic:partition:offset`, of a topic made anew the newest; raises `NoSuchLetter`."""
    topic, _, rest = which.partition(":")
    partition, _, offset = rest.partition(":")
    numbers = [topic] if not rest else [partition, offset]
    if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in numbers):
        raise NoSuchLetter(which=which)
    condition: LiteralString = "id = %s" if not rest else "(topic, partition, record_offset) = (%s, %s, %s)"
    row = conn.execute(
        f"select {_COLUMNS} from rejected where {condition} order by id desc limit 1",  # noqa: S608 - texts of this module
        [int(topic)] if not rest else [topic, int(partition), int(offset)],
    ).fetchone()
    if row is None:
        raise NoSuchLetter(which=which)
    return Letter(*row)


def in_order(conn: Connection[Any], filters: Filters) -> Iterator[list[Letter]]:
    """
    Yield dead letters in chunks, each of one partition of one topic, by growing offset: the order in which their topics are read.

    What is rejected or repaired meanwhile is not seen; every chunk is a query of its own, so no snapshot is held.
    """
    after: tuple[str, str, int, int] = ("", "", -1, -1)
    newest = conn.execute("select max(id) from rejected").fetchone()
    while True:
        rows = conn.execute(
            f"select {_COLUMNS} from rejected where {_WANTED}"  # noqa: S608 - texts of this module
            " and id <= %(newest)s and (topic, topic_id, partition, record_offset) > (%(topic)s, %(topic_id)s, %(partition)s, %(offset)s)"
            " order by topic, topic_id, partition, record_offset limit %(limit)s",
            {
                **filters.parameters(),
                **dict(zip(("topic", "topic_id", "partition", "offset"), after, strict=True)),
                "newest": newest[0] if newest else None,
                "limit": CHUNK,
            },
        ).fetchall()
        if not rows:
            return
        letters = [Letter(*row) for row in rows]
        first = letters[0]
        same = [one for one in letters if (one.topic, one.topic_id, one.partition) == (first.topic, first.topic_id, first.partition)]
        last = same[-1]
        after = (last.topic, last.topic_id, last.partition, last.offset)
        yield same

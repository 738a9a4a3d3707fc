"""
The audit of repairs, in the adapter's file: who let which record become which event, when, why, and by which file.

Why: it is written in the transaction that takes the entry out of quarantine and spools the event, so each repair is there, and only those.
Must not: hold a record, an amount, or anything of a person but pseudonyms.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from producers.repair.entries import Entry, id_of
from schemas.events import HouseholdChanged, Operation, to_record
from schemas.signed import Signed
from schemas.topics import household_topic

__all__ = ["Audited", "audited", "make_table", "note", "summary"]

_TABLE = """
create table if not exists quarantine_repair (
  id integer primary key autoincrement, repaired_at text not null, repaired_by text not null, account text not null, reason text not null,
  file_name text not null, file_digest blob not null, entry text not null, put_at text not null, place text not null, field text not null,
  cause text not null, value text not null, became text not null) strict;
"""
_SECTIONS = ("residence", "composition", "welfare", "dwelling", "members", "programmes", "nutrition")


@dataclass(frozen=True, slots=True)
class Audited:
    """One repair: of which entry (as it stood in quarantine: field, cause, masked value), and what it became."""

    id: int
    repaired_at: datetime
    by: str
    account: str
    reason: str
    file: str
    file_sha256: str
    entry: str
    put_at: datetime
    place: str
    field: str
    cause: str
    value: str
    became: Sequence[Mapping[str, Any]]
    """Events as `summary` tells them."""

    def as_dict(self) -> dict[str, Any]:
        """Return it by name, as JSON has it."""
        return {**asdict(self), "repaired_at": self.repaired_at.isoformat(), "put_at": self.put_at.isoformat()}


def make_table(connection: sqlite3.Connection) -> None:
    """Make the table where there is none; not within a transaction."""
    connection.executescript(_TABLE)


def note(
    connection: sqlite3.Connection,
    signed: Signed,
    repaired: Iterable[tuple[Entry, Sequence[tuple[HouseholdChanged, bytes]]]],
    now: datetime,
) -> None:
    """Note what entries became, each event with its value; belongs into the transaction that spools them."""
    connection.executemany(
        "insert into quarantine_repair (repaired_at, repaired_by, account, reason, file_name, file_digest, entry, put_at, place, field,"
        " cause, value, became) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                now.isoformat(),
                signed.by,
                signed.account,
                signed.reason,
                signed.file_name,
                signed.file_digest,
                id_of(entry.mark),
                entry.put_at.isoformat(),
                entry.place,
                entry.field,
                entry.cause,
                entry.value,
                json.dumps([summary(event) | {"sha256": sha256(value).hexdigest()} for event, value in events]),
            )
            for entry, events in repaired
        ],
    )


def summary(event: HouseholdChanged) -> dict[str, Any]:
    """Return what may be kept of an event for ever: whose it is, where it goes, since when, its revision, which sections it has."""
    said = to_record(event)
    told = {
        "topic": household_topic(event.region),
        "household": event.household.hex(),
        "operation": str(event.operation),
        "valid_from": event.valid_from.isoformat(),
        "revision": event.revision,
        "mapping_version": event.mapping_version,
    }
    if event.operation is Operation.UPSERT:
        told |= {
            "village": event.residence.village if event.residence else None,
            "says": [one for one in _SECTIONS if said[one] is not None],
        }
    return told


def audited(state_file: Path, limit: int, by: str | None = None) -> list[Audited]:
    """Return the newest repairs, at most `limit`, of one person or of any; the adapter may run or not."""
    with closing(sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)) as connection:
        if not connection.execute("select 1 from sqlite_schema where name = 'quarantine_repair'").fetchone():
            return []
        rows = connection.execute(
            "select id, repaired_at, repaired_by, account, reason, file_name, lower(hex(file_digest)), entry, put_at, place, field, cause,"
            " value, became from quarantine_repair where ? is null or repaired_by = ? order by id desc limit ?",
            (by, by, limit),
        ).fetchall()
    return list(_read(rows))


def _read(rows: Iterable[tuple[Any, ...]]) -> Iterator[Audited]:
    names = [field.name for field in fields(Audited)]
    for row in rows:
        told = dict(zip(names, row, strict=True))
        yield Audited(
            **told
            | {
                "repaired_at": datetime.fromisoformat(told["repaired_at"]),
                "put_at": datetime.fromisoformat(told["put_at"]),
                "became": json.loads(told["became"]),
            }
        )

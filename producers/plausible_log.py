"""
How plausible a source's national identifiers are, in the adapter's own file: numbers only, and for anyone to read.

Why: it is counted while records are read, and looked at when somebody wonders whether a source can be believed.
Must not: hold an identifier, or say which record it was.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from producers.plausible import BIRTH, CARD_AREA, CARDS, PERSON_AREA, PERSONS, SEX

__all__ = ["Identifiers", "add_plausible", "identifiers", "make_plausible"]

_TABLE = "create table if not exists plausible (what text primary key, count integer not null) strict"


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What was counted since the adapter's file was made; a record that was read twice counts twice."""

    cards: int
    """Family cards' numbers looked at: of the first records, and of one in `producers.shape.SOME` from there."""
    persons: int
    """Persons' numbers looked at."""
    cards_of_unknown_area: int
    """Numbers that begin with no district of today: it was split or renamed since, or the number is wrong."""
    persons_of_unknown_area: int
    other_sex: int
    """Persons whose number says another sex than their record."""
    other_birth: int
    """Persons whose number says another year or month of birth than their record."""


def make_plausible(connection: sqlite3.Connection) -> None:
    """Make the table where there is none."""
    connection.execute(_TABLE)


def add_plausible(connection: sqlite3.Connection, counts: Mapping[str, int]) -> None:
    """Add what was counted in a batch; belongs into the transaction that keeps it."""
    connection.executemany(
        "insert into plausible values (?, ?) on conflict (what) do update set count = count + excluded.count", list(counts.items())
    )


def identifiers(state_file: Path) -> Identifiers | None:
    """Return what was counted, of an adapter that runs or does not; None where nothing was."""
    connection = sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)
    try:
        if not connection.execute("select 1 from sqlite_schema where name = 'plausible'").fetchone():
            return None
        told = dict(connection.execute("select what, count from plausible").fetchall())
    finally:
        connection.close()
    return Identifiers(*(told.get(what, 0) for what in (CARDS, PERSONS, CARD_AREA, PERSON_AREA, SEX, BIRTH))) if told else None

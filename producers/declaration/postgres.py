"""
Which tables of a PostgreSQL database are read, and how its changes are captured.

Why: what differs from one database to the next is declared here.
Must not: hold a secret: it names the variable that does.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from producers.declaration.model import Misplaced, Mistake, Model

__all__ = ["ChildTable", "Outbox", "PostgresSource", "Tombstones"]

Name = Annotated[str, Field(pattern=r"^[^\x00\"%]{1,63}$")]
Table = Annotated[str, Field(pattern=r"^[^\x00\".%]{1,63}\.[^\x00\".%]{1,63}$")]
"""A table with its schema, such as smart_kampung.keluarga, as PostgreSQL writes them itself: lower case unless made otherwise."""
Moved = Annotated[str, Field(pattern=r"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$")]
"""A place in the database's log, as it writes them: 0/16B3748."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no time zone such as Asia/Jakarta") from error
    return name


class ChildTable(Model):
    """A table whose rows belong to a row of the main table: they make a list in its record."""

    name: str = Field(pattern=r"^[^.^\[\]]+$")
    """Name of the list in the record."""
    table: Table
    key: Name
    """The column that holds the key of the main table's row."""
    one_per: Name | None = None
    """Where the table is a ledger: of the rows that are alike in this column, one is in the list..."""
    newest_by: Name | None = None
    """...the one that is greatest in this column."""

    @model_validator(mode="after")
    def _both_or_none(self) -> "ChildTable":
        if (self.one_per is None) != (self.newest_by is None):
            key = "newest_by" if self.one_per is None else "one_per"
            raise Misplaced(Mistake((key,), "one_per and newest_by belong together"))
        return self


class Outbox(Model):
    """A table into which the source system itself writes each change, row by row, as it makes it, with its lists as columns of jsonb."""

    table: Table
    sequence: Name = "seq"
    """The column by which it is ordered: a bigserial, growing, with gaps, taken for each family in the order of its changes."""
    operation: Name = "operasi"
    deleted: tuple[str, ...] = Field(("DELETE", "HAPUS"), min_length=1)
    """What stands in the column of operations where the row is gone."""


class Tombstones(Model):
    """A table of the rows that were deleted, with the columns by which an END is said."""

    table: Table
    changed_at: Name


class PostgresSource(Model):
    """
    A PostgreSQL database: one main table, a row for each household, and the tables whose rows belong to its rows.

    `capture` says how changes are seen: `log` reads the database's own log by logical decoding and misses nothing; `outbox` reads a
    table of changes; `changed_at` reads rows by the time of their last change, and deleted ones from a table of tombstones;
    `compare` reads everything and compares it with what was read before.
    """

    kind: Literal["postgres"]
    dsn_env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    """The environment variable that holds the connection string."""
    capture: Literal["log", "outbox", "changed_at", "compare"] = "log"
    table: Table
    key: Name
    lists: tuple[ChildTable, ...] = ()
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Jakarta"
    """In which a deletion's day is told, where the deleted row does not tell it."""
    poll_s: float = Field(1.0, gt=0, le=86_400)
    timeout_s: float = Field(300.0, ge=1, le=86_400)
    """How long one question may take; decoding one great transaction is one question."""
    slot: str = Field("muara", pattern=r"^[a-z0-9_]{1,63}$")
    publication: Name = "muara"
    slot_warning_mb: int = Field(1024, ge=1)
    """The slot keeps the database's log from being removed; beyond this the adapter warns."""
    lost_slot: Literal["stop", "snapshot"] = "stop"
    """What to do where the database has dropped log that was not read yet: wait for a person, or read all tables again."""
    accept_truncate: tuple[Moved, ...] = ()
    """Places in the log of TRUNCATEs that a person has looked at: reading goes on behind them, and nothing ends by them."""
    generation: int = Field(0, ge=0, le=7)
    """Raised by one when the database was restored and its log or the numbers of its outbox begin anew: later changes must still win."""
    greatest_loss: float = Field(0.2, ge=0, le=1)
    """Where households are found to be gone by their absence, at most this share of all; beyond it a person is asked."""
    outbox: Outbox | None = None
    changed_at: Name | None = None
    tombstones: Tombstones | None = None
    overlap_s: float = Field(5.0, ge=0, le=86_400)
    """With `changed_at`: how much later than its time a change may be committed by a transaction that cannot be seen running."""
    compare_s: float = Field(3600.0, gt=0, le=31 * 86_400)
    """With `compare`: how long to wait between two readings of everything."""

    @model_validator(mode="after")
    def _fits_together(self) -> "PostgresSource":
        names = [one.name for one in self.lists]
        if len(set(names)) < len(names):
            raise Misplaced(Mistake(("lists",), "two lists have one name"))
        if self.capture == "outbox" and self.outbox is None:
            raise Misplaced(Mistake(("capture",), 'capture = "outbox" needs [source.outbox] with the table'))
        if self.capture == "changed_at" and (self.changed_at is None or self.tombstones is None):
            wrong = 'capture = "changed_at" needs changed_at (the column) and [source.tombstones]; without tombstones use compare'
            raise Misplaced(Mistake(("capture",), wrong))
        return self

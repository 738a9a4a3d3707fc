"""
What was noticed of a source's drift, in the adapter's own file: field, kind, mode, times and count; and what a person accepted. Beside it,
in the same transaction, how plausible its national identifiers were (plausible_log.py).

Why: drift is noticed in one moment and looked at in another, by a person who must be able to say "go on".
Must not: hold a value of the source.
"""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from producers.checkpoint import StateFile, disk_faults
from producers.declaration import Declaration, Mode
from producers.drift import Notice
from producers.faults import SourceFrozen
from producers.mapping import Mapper
from producers.plausible_log import add_plausible, make_plausible

__all__ = ["DriftKept", "Drifted", "accept", "drifted", "looked_at"]

_TABLES = """
create table if not exists drift (
  field text not null, kind text not null, mode text not null, first_seen text not null, last_seen text not null,
  count integer not null, accepted text, primary key (field, kind)) strict;
create table if not exists shape (path text primary key, always integer not null) strict;
create table if not exists shape_looks (one integer primary key check (one = 1), looks integer not null) strict;
create table if not exists drift_by (one integer primary key check (one = 1), fingerprint text not null) strict;
create table if not exists drift_old (field text not null, kind text not null, primary key (field, kind)) strict;
"""
_MOST = 1000
"""Rows kept: a source that uses numbers as names has no end of them."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """One kind of drift of one field, as far as it was noticed; times in UTC."""

    field: str
    kind: str
    mode: str
    """The mode taken when it was last noticed."""
    first_seen: datetime
    last_seen: datetime
    count: int
    """Records in which it was seen; where the mode lets them go on, one record in 64 is looked at for new and missing fields."""
    accepted: str | None
    """The mode that a person put in the place of freeze."""
    old: bool
    """Whether it was noticed by an earlier region file only: this one may have mended it."""


class DriftKept:
    """What a mapper notices, brought to an adapter's file batch by batch; used by the thread that reads."""

    def __init__(self, mapper: Mapper, own: StateFile) -> None:
        """Give the mapper what was learnt of its source and what a person accepted, by the adapter's own file."""
        self._mapper, self._own = mapper, own
        self._frozen: tuple[str, str] | None = None
        own.connection.executescript(_TABLES)
        make_plausible(own.connection)
        with own.transaction() as connection:
            _begin_by(connection, mapper.declared)
        looks = own.connection.execute("select looks from shape_looks").fetchone()
        paths = {path: bool(always) for path, always in own.connection.execute("select path, always from shape")}
        mapper.drift.accepted = _accepted(own.connection)
        mapper.shape.resume(looks[0] if looks else 0, paths)
        if named := [(path,) for path in paths if mapper.shape.kept_name(path) != path]:
            # An earlier version kept whatever a source used as a name.
            with own.transaction() as connection:
                connection.executemany("delete from shape where path = ?", named)
            mapper.shape.changed = True

    def begin(self) -> None:
        """Forget what was noticed in a batch that was not kept."""
        self._mapper.drift.taken()
        self._mapper.plausible.taken()

    def keep(self, connection: sqlite3.Connection, now: datetime) -> Sequence[Notice]:
        """
        Add what was noticed and learnt; belongs into the transaction that keeps the batch in which it was noticed.

        Returns what was not noticed before, to be told once. Where another file keeps the batch (sending again), nothing is added.
        """
        if connection is not self._own.connection:
            return []
        add_plausible(connection, self._mapper.plausible.taken())
        new = [one for one, count in self._mapper.drift.taken().items() if _added(connection, one, count, now)]
        if self._mapper.shape.changed:
            looks, paths = self._mapper.shape.learnt
            connection.execute("insert or replace into shape_looks values (1, ?)", (looks,))
            connection.executemany("insert or replace into shape values (?, ?)", [(path, int(always)) for path, always in paths.items()])
        return new

    def kept(self) -> None:
        """Know that the transaction was committed."""
        self._mapper.shape.changed = False

    def freeze(self, frozen: SourceFrozen, now: datetime) -> None:
        """Keep why reading stopped, and nothing else of the batch; raises `DiskRefuses`."""
        field, kind = str(frozen.facts["field"]), str(frozen.facts["drift"])
        with self._own.transaction() as connection:
            _added(connection, (field, kind, "freeze"), 1, now)
        self._frozen = field, kind

    def frozen(self) -> bool:
        """Return whether reading waits for a person; what was accepted meanwhile is taken over."""
        if self._frozen is not None:
            self._mapper.drift.accepted = _accepted(self._own.connection)
            if self._frozen in self._mapper.drift.accepted:
                self._frozen = None
        return self._frozen is not None


def _begin_by(connection: sqlite3.Connection, declared: Declaration) -> None:
    """Know everything noticed so far as old where the region file is another than before."""
    told = declared.model_dump_json(exclude_defaults=True, include={"mapping", "drift", "regencies"})
    fingerprint = hashlib.sha256(told.encode()).hexdigest()
    found = connection.execute("select fingerprint from drift_by").fetchone()
    if found is not None and found[0] != fingerprint:
        connection.execute("insert or ignore into drift_old select field, kind from drift")
    connection.execute("insert or replace into drift_by values (1, ?)", (fingerprint,))


def _accepted(connection: sqlite3.Connection) -> Mapping[tuple[str, str], Mode]:
    rows = connection.execute("select field, kind, accepted from drift where accepted is not null")
    return {(field, kind): mode for field, kind, mode in rows}


def _added(connection: sqlite3.Connection, noticed: tuple[str, str, str], count: int, now: datetime) -> bool:
    """Count a notice, and return whether it is the first of its field and kind."""
    field, kind, mode = noticed
    connection.execute("delete from drift_old where field = ? and kind = ?", (field, kind))
    known = connection.execute(
        "update drift set mode = ?, last_seen = ?, count = count + ? where field = ? and kind = ?",
        (mode, now.isoformat(), count, field, kind),
    ).rowcount
    if known or connection.execute("select count(*) from drift").fetchone()[0] >= _MOST:
        return False
    connection.execute("insert into drift values (?, ?, ?, ?, ?, ?, null)", (field, kind, mode, now.isoformat(), now.isoformat(), count))
    return True


def accept(state: StateFile, field: str, mode: Mode) -> int:
    """Let a frozen adapter go on in a mode, for every kind of drift noticed of a field; return how many there were."""
    state.connection.executescript(_TABLES)
    with state.transaction() as connection:
        return connection.execute("update drift set accepted = ? where field = ? and mode = 'freeze'", (mode, field)).rowcount


def drifted(state_file: Path) -> Sequence[Drifted]:
    """Return what was noticed of an adapter's source, the newest last; the adapter may run or not. Raises `StateFileForeign`."""
    with disk_faults(state_file):
        return _drifted(state_file)


def _drifted(state_file: Path) -> Sequence[Drifted]:
    connection = sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)
    try:
        names = {name for (name,) in connection.execute("select name from sqlite_schema where name in ('drift', 'drift_old')")}
        if "drift" not in names:
            return []
        rows = connection.execute("select field, kind, mode, first_seen, last_seen, count, accepted from drift order by rowid").fetchall()
        old = set(connection.execute("select field, kind from drift_old")) if "drift_old" in names else set()
    finally:
        connection.close()
    return [
        Drifted(field, kind, mode, datetime.fromisoformat(first), datetime.fromisoformat(last), count, told, (field, kind) in old)
        for field, kind, mode, first, last, count, told in rows
    ]


def looked_at(state_file: Path) -> int:
    """Return from how many records was learnt so far what the source has; from `producers.shape.LEARNT` on nothing more is learnt."""
    connection = sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)
    try:
        if not connection.execute("select 1 from sqlite_schema where name = 'shape_looks'").fetchone():
            return 0
        found = connection.execute("select looks from shape_looks").fetchone()
    finally:
        connection.close()
    return int(found[0]) if found else 0

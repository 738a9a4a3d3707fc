"""
Which keys a source was read with: told by the adapter's file, so that a key is never changed by mistake.

Why: under another key every household has another name, and all of a region would be counted a second time.
Must not: keep a key, or anything from which one could be found.
"""

import logging
import sqlite3
from collections.abc import Callable

from producers.checkpoint import StateFile
from producers.faults import KeyChanged, KeyNotBegun
from producers.pseudonym import Pseudonyms

__all__ = ["begin_with", "must_have_begun"]

_TABLE = "create table if not exists pseudonym_key (version integer primary key, mark blob not null) strict"
_log = logging.getLogger(__name__)
_Key = tuple[int, bytes]


def begin_with(state: StateFile, pseudonyms: Pseudonyms, forget: Callable[[sqlite3.Connection], None]) -> None:
    """
    Note that a source is read with a key from now on: the one of before, or a newer one that has that one beside it as previous.

    With a newer one, what a source remembers by names is forgotten (`forget`) in the same transaction; where reading goes on is not.
    A file that does not know its keys yet takes those given. Raises `KeyChanged`.
    """
    own, older = _key(pseudonyms), _key(pseudonyms.previous) if pseudonyms.previous else None
    with state.transaction() as connection:
        latest = _latest(connection)
        if latest == own:
            return
        if latest not in (None, older):
            raise KeyChanged(source=_source(connection), version=latest[0] if latest else 0)
        if older is not None:
            forget(connection)
        connection.executemany("insert or ignore into pseudonym_key values (?, ?)", [one for one in (older, own) if one])
    if older is not None:
        _log.info("keys are rotated", extra={"action": "keys_rotated", "previous_version": older[0], "version": own[0]})


def must_have_begun(state: StateFile, pseudonyms: Pseudonyms) -> None:
    """Raise `KeyNotBegun` where the adapter was started with other keys last, or with none: its memory is under other names."""
    with state.transaction() as connection:
        if _latest(connection) not in (None, _key(pseudonyms)):
            raise KeyNotBegun(source=_source(connection))


def _key(pseudonyms: Pseudonyms) -> _Key:
    return pseudonyms.version, pseudonyms.mark_of_key


def _latest(connection: sqlite3.Connection) -> _Key | None:
    connection.execute(_TABLE)
    found: _Key | None = connection.execute("select version, mark from pseudonym_key order by version desc limit 1").fetchone()
    return found


def _source(connection: sqlite3.Connection) -> str:
    return str(connection.execute("select source from adapter").fetchone()[0])

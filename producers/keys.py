"""
Which keys a source was read with: told by the adapter's file, so that a key is never changed by mistake.

Why: under another key every household has another name, and all of a region would be counted a second time.
Must not: keep a key, or anything from which one could be found.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable

from producers.backoff import Backoff
from producers.checkpoint import StateFile
from producers.faults import KeyChanged, KeyMissing, KeyNotBegun, PreviousKeyWrong
from producers.pseudonym import Pseudonyms
from schemas.errors import Fatal

__all__ = ["begin_with", "begun", "must_have_begun"]

_TABLE = "create table if not exists pseudonym_key (version integer primary key, mark blob not null) strict"
_log = logging.getLogger(__name__)
_LOOK_S = 5.0
"""How often files of keys are looked at while the adapter runs."""
_SAME = " (it is the very same key, but said to be of version {version}: mend the version)"
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
            assert latest is not None  # noqa: S101 - it is not among those that include None
            same = _SAME.format(version=own[0]) if latest[1] == own[1] else ""
            raise KeyChanged(source=_source(connection), version=latest[0], same=same)
        if older is not None:
            forget(connection)
        connection.executemany("insert or ignore into pseudonym_key values (?, ?)", [one for one in (older, own) if one])
    if older is not None:
        _log.info("keys are rotated", extra={"action": "keys_rotated", "previous_version": older[0], "version": own[0]})


def begun(
    state: StateFile,
    pseudonyms: Pseudonyms,
    again: Callable[[], Pseudonyms] | None,
    forget: Callable[[sqlite3.Connection], None],
    stop: threading.Event,
) -> Pseudonyms | None:
    """
    Return the pseudonyms to work with, those given, else those that files hold once they have been mended; None where stopped meanwhile.

    With `again`, which reads them anew, wrong ones are waited for, visibly, and what it reads later is looked at: a key that changes
    while the adapter runs is told, and is the next start's. Without it raises `KeyChanged`.
    """
    backoff = Backoff()
    while not stop.is_set():
        try:
            begin_with(state, pseudonyms, forget)
        except KeyChanged as error:
            if again is None:
                raise
            why: Fatal = error
        else:
            if again is not None:
                threading.Thread(target=_look, args=(pseudonyms, again, stop), name="keys", daemon=True).start()
            return pseudonyms
        while not stop.wait(backoff.pause_s()):
            state.reading("waiting for key", str(why))
            _log.warning("waiting for key", extra={"action": "reading_state", "state": "waiting for key", "why": str(why)})
            try:
                pseudonyms = again()
            except (KeyMissing, PreviousKeyWrong) as error:
                why = error
            else:
                break
    return None


def _look(mine: Pseudonyms, again: Callable[[], Pseudonyms], stop: threading.Event) -> None:
    """Tell when files come to hold other keys than those in use."""
    told = ""
    while not stop.wait(_LOOK_S):
        try:
            found = again()
        except (KeyMissing, PreviousKeyWrong) as error:
            seen = str(error)
        else:
            same = (_key(found), found.previous and _key(found.previous)) == (_key(mine), mine.previous and _key(mine.previous))
            seen = "" if same else f"they are of version {found.version}, those in use of version {mine.version}"
        if seen and seen != told:
            _log.warning("the keys in files have changed: that counts at the next start", extra={"action": "keys_changed", "why": seen})
        told = seen


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

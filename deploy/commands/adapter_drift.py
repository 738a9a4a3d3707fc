"""
`muara adapter drift`: how a source has changed, read from its adapter's file, and a person's word that lets a frozen adapter go on.

Why: what an adapter saw change is decided on by a person, who needs field and kind and never a value.
Must not: write to the file but a person's word, or ask a source or a broker.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from producers.checkpoint import StateFile
from producers.declaration import Mode
from producers.drift_log import Drifted, accept, drifted, looked_at
from producers.shape import LEARNT
from schemas.errors import Fatal

__all__ = ["NeverRan", "NothingFrozen", "let_go_on", "seen", "still_learning", "table"]


class NeverRan(Fatal):
    """the adapter of {source} never ran in {folder}, so nothing is known of its source: run it first, or this where it runs"""


class NothingFrozen(Fatal):
    """the adapter of {source} is not frozen by {field}: muara adapter drift {file} shows by what it is"""


def let_go_on(file: Path, state: Path, source: str, field: str, mode: Mode) -> None:
    """Let an adapter that a field froze go on in a mode; `file` is its region file. Raises `NothingFrozen`."""
    if not state.exists():
        raise NothingFrozen(source=source, field=field, file=file)
    with StateFile(state, source) as own:
        if not accept(own, field, mode):
            raise NothingFrozen(source=source, field=field, file=file)


def seen(state: Path, source: str) -> Sequence[Drifted]:
    """Return what was noticed of a source; raises `NeverRan`."""
    if not state.exists():
        raise NeverRan(source=source, folder=state.parent)
    return drifted(state)


def table(rows: Sequence[Drifted]) -> Table | str:
    """Return what was noticed for a person."""
    if not rows:
        return "nothing has changed at the source, as far as was seen"
    made = Table("field", "kind", "mode", "first seen", "last seen", "records", "accepted as", box=None)
    for row in rows:
        mode = f"{row.mode} (by the region file of before)" if row.old else row.mode
        times = (f"{moment:%Y-%m-%d %H:%M}" for moment in (row.first_seen, row.last_seen))
        made.add_row(row.field, row.kind, mode, *times, str(row.count), row.accepted or "")
    return made


def still_learning(state: Path) -> str:
    """Return from how many records was learnt what the source has; empty where that is done."""
    if (looks := looked_at(state)) >= LEARNT:
        return ""
    return f"still learning what the source has: from {looks:,} of its first {LEARNT:,} records; until then a new field is taken as known"

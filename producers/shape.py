"""
The shape of a source's records: which names they have, learnt from the first ones, and what is new or missing since.

Why: a field that a source adds or drops makes no record unreadable, so nobody would hear of it.
Must not: know IO or a clock; keep a value, be it one that a source uses as a name; look at every record where the region file does not ask
for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from producers.declaration import Declaration, DriftKind, Mode
from producers.drift import Drift, shown
from producers.faults import RecordUnreadable, SourceFrozen
from producers.readings import Reading, readings, way_to_records
from producers.records import Node

__all__ = ["LEARNT", "SOME", "Shape"]

LEARNT = 1000
"""Records from which is learnt what a source has; from then on what is not among it is new."""
_EVERY = 64
"""Afterwards one record in so many is looked at: what a source adds is in all its records, and is seen within a moment."""
SOME = 256
"""One record in so many may be looked at by others."""
_DEEPEST = 8
_MOST_PATHS, _MOST_SHAPES = 2000, 1000
"""A source that uses numbers as names has no end of them: then nothing more is learnt or told."""


class Shape:
    """What one source's records look like; used by one thread."""

    def __init__(self, declared: Declaration, drift: Drift, silent: Iterable[str]) -> None:
        """Have learnt nothing; `silent` are the fields of the event that say nothing where they are missing."""
        self._drift, silent = drift, frozenset(silent)
        told = list(readings(declared.mapping))
        self._sections = {one.whole: one.field for one in told if one.place[-1] in ("each", "when")}
        self._read = {path for one in told for path in _with_above(one.whole)}
        self._fields = {one.whole: one.field for one in told if _says_nothing(one, silent)}
        self._way = way_to_records(declared)
        self._known = {path for one in declared.drift.known for path in _with_above(one)}
        places = (declared.drift, *declared.drift.only.values())
        self._every = 1 if any(one.new_field in ("freeze", "quarantine") for one in places) else _EVERY
        self._paths: dict[str, bool] = {}
        """Every path that is not new, as it may be kept, and whether each record had it that has what it lies in."""
        self._places: set[str] = set()
        self._looks, self._turn, self._seen = 0, 1, -self._every
        self._shapes: dict[tuple[str, tuple[str, ...]], list[tuple[str, DriftKind]]] = {}
        self.changed = False
        """Whether something was learnt that is not on disk."""

    @property
    def learnt(self) -> tuple[int, Mapping[str, bool]]:
        """What is to be kept: the number of records looked at, and the paths with whether they are always there."""
        return self._looks, self._paths

    def resume(self, looks: int, paths: Mapping[str, bool]) -> None:
        """Go on from what was kept; where the file lists what is known, that counts and not what was learnt before it did."""
        told = {self.kept_name(path): always for path, always in paths.items()}
        kept = {path: always for path, always in told.items() if not self._known or path in self._read or path in self._known}
        self._looks, self._paths, self.changed = looks, kept, False
        self._places = {_place(path) for path in told}
        self._shapes.clear()

    def kept_name(self, path: str) -> str:
        """Return a path as it may be kept on disk: what the region file names as it is, of others that may be a number the shape."""
        return path if path in self._read or path in self._known else shown(path)

    def look(self, record: Node) -> bool:
        """
        Look at a record when it is its turn; raises `RecordUnreadable` or `SourceFrozen` where a new field is to do that.

        Returns whether others that look at some records only may look at this one: the first ones, and one in `SOME`.
        """
        self._turn -= 1
        if self._turn:
            return False
        learning = self._looks < LEARNT
        self._turn = 1 if learning else self._every
        self._looks += learning
        self.changed |= learning
        for at, value in self._parts(record):
            shape = at, tuple(value)
            if learning or (found := self._shapes.get(shape)) is None:
                found = self._compared(*shape, learning=learning)
                if not learning and len(self._shapes) < _MOST_SHAPES:
                    self._shapes[shape] = found
            for path, kind in found:
                self._decide(path, kind)
        self._seen = (self._seen + self._every) % SOME
        return learning or self._seen == 0

    def _parts(self, record: Node) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give every table in a record and in what it lies in, by path; of what it lies in without the way to the record itself."""
        yield from _tables(record.value, "")
        at, around = "^.", record.parent
        while around is not None and around.parent is not None:
            if isinstance(around.value, dict):
                yield from _tables({name: one for name, one in around.value.items() if name not in self._way}, at)
            at, around = f"{at}^.", around.parent

    def _compared(self, at: str, names: tuple[str, ...], *, learning: bool) -> list[tuple[str, DriftKind]]:
        """Return what is new and what is missing in a table; while learning, what is new is learnt, unless the file lists what is known."""
        present = {f"{at}{name}": self.kept_name(f"{at}{name}") for name in names}
        place = f"{self.kept_name(at[:-1])}." if at else at
        new = [path for path, kept in present.items() if kept not in self._paths]
        found: list[tuple[str, DriftKind]] = []
        for path in sorted(new):
            if path in self._read or path in self._known or (learning and not self._known):
                if len(self._paths) < _MOST_PATHS:
                    self._paths[present[path]] = learning and place not in self._places
                    self.changed = True
            elif len(self._paths) < _MOST_PATHS:
                found.append((path, "new_field"))
        self._places.add(place)
        return found + self._missing(place, {*present.values()}, learning=learning)

    def _missing(self, at: str, present: set[str], *, learning: bool) -> list[tuple[str, DriftKind]]:
        found: list[tuple[str, DriftKind]] = []
        for path, always in self._paths.items():
            if always and path not in present and _place(path) == at:
                if learning:
                    self._paths[path] = False
                elif path in self._fields:
                    found.append((self._fields[path], "missing_field"))
        return found

    def _decide(self, name: str, kind: DriftKind) -> None:
        """Tell of drift, or raise as the region file says; a missing field that has a mode of its own is decided where it is read."""
        if kind == "missing_field":
            if self._drift.mode(name, kind) in (None, "evolve"):
                self._drift.notice(name, kind, "evolve")
            return
        told = shown(name)
        mode: Mode = self._drift.mode(told, kind, self._section(name)) or "evolve"
        if mode == "freeze":
            raise SourceFrozen(field=told, drift=kind)
        if mode == "quarantine":
            raise RecordUnreadable(field=told, cause="is a field that the source did not have before", value="hidden", drift=kind)
        self._drift.notice(told, kind, mode)

    def _section(self, path: str) -> str:
        """Return the section to whose part of the record a path belongs; empty where to none."""
        return next((field for above, field in self._sections.items() if path.startswith(f"{above}.")), "")


def _says_nothing(one: Reading, silent: frozenset[str]) -> bool:
    if one.place[-1] in ("each", "when"):
        return True
    return one.field in silent and one.value is not None and not one.value.required


def _place(path: str) -> str:
    return path[: path.rfind(".") + 1]


def _with_above(path: str) -> Iterator[str]:
    steps = path.split(".")
    up = steps.count("^")
    yield from (".".join(steps[:length]) for length in range(up + 1, len(steps) + 1))


def _tables(value: Any, at: str, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401 - JSON
    """Give every table in a value with its path, which ends in a dot where it is not empty."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        return
    yield at, value
    for name, one in value.items():
        if type(one) is dict:
            yield from _tables(one, f"{at}{name}.", depth + 1)
        elif type(one) is list:
            for item in one:
                yield from _tables(item, f"{at}{name}.", depth + 1)

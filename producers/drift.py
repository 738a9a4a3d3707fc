"""
Drift of a source: what in its records is not as the mapping knows it, and what the region file wants done then.

Why: a new field, a missing one, a changed type and a new code are seen when they begin, not when a figure looks odd.
Must not: know a clock, IO or a driver; keep a value; cost more than a count where nothing has changed.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from producers.declaration import ESSENTIAL, DriftKind, DriftModes, Mode, Value
from producers.faults import RecordUnreadable, SourceFrozen, masked
from producers.records import Node, holder

__all__ = ["Drift", "Notice", "SectionSilent", "paths_held", "shown"]

Get = Callable[[Node], Any]
Notice = tuple[str, DriftKind, Mode]
"""A field (of the event, or of the source by its path), what is so with it, and the mode taken."""
_FAULTS: tuple[DriftKind, ...] = ("missing_field", "changed_type", "new_code")
_DIGITS = re.compile(r"\d{6}|(\d[ .,/:_-]?){12}")
"""Six digits in a row, or twelve however they are set apart: a card's number, a telephone's, a day of birth."""
_LONGEST = 80


class SectionSilent(Exception):  # noqa: N818 - it says what follows, and is always caught
    """A field that the contract wants cannot be said, so its whole section says nothing."""


class Drift:
    """The modes of one region file at work, and what was noticed since it was last asked."""

    def __init__(self, declared: DriftModes) -> None:
        """Notice nothing yet."""
        self.declared = declared
        self.accepted: Mapping[tuple[str, str], Mode] = {}
        """Modes that a person put in the place of freeze, by field and kind."""
        self._noticed: Counter[Notice] = Counter()

    def mode(self, name: str, kind: DriftKind, place: str | None = None) -> Mode | None:
        """
        Return the mode that holds for a field: what a person accepted in the place of freeze, else what is declared, or None.

        A new field of the source, which no field of the event stands for, has the modes of a `place`: a section, or the region.
        """
        declared = self.declared.mode(name if place is None else place, kind)
        return self.accepted.get((name, kind), declared) if declared == "freeze" else declared

    def notice(self, name: str, kind: DriftKind, mode: Mode) -> None:
        """Count what was noticed."""
        self._noticed[name, kind, mode] += 1

    def fault(self, fault: RecordUnreadable) -> None:
        """Count a record that is put aside, where its fault may be drift."""
        if fault.drift:
            self.notice(str(fault.facts["field"]), fault.drift, "quarantine")  # type: ignore[arg-type]  # set by compiling.py

    def taken(self) -> Counter[Notice]:
        """Return what was noticed since this was last asked, and begin anew."""
        found, self._noticed = self._noticed, Counter()
        return found

    def guarded(self, name: str, value: Value, get: Get, *, may_be_null: bool) -> Get:
        """Return the reading of a field with its modes around it; the reading itself, at no cost, where every fault is put aside."""
        modes = {kind: self.declared.mode(name, kind) for kind in _FAULTS}
        strict = may_be_null and modes["missing_field"] in ("freeze", "quarantine")
        if not strict and all(mode in (None, "quarantine") for mode in modes.values()):
            return get
        there = paths_held(value)

        def read(node: Node) -> Any:  # noqa: ANN401 - of the field's kind
            try:
                found = get(node)
            except RecordUnreadable as fault:
                self._decided(name, fault, may_be_null=may_be_null)
                return None
            if strict and found is None and not there(node):
                self._decided(name, _missing(name), may_be_null=may_be_null)
            return found

        return read

    def section(self, name: str, path: str | None, error: RecordUnreadable | None, record: Node) -> None:
        """
        Decide of a section as a whole that has no part in a record: its path is missing, or leads to what is no list.

        Returns where the section says nothing; raises the fault, or `SourceFrozen`.
        """
        fault = error
        if fault is None:
            if path is None or self.declared.mode(name, "missing_field") not in ("freeze", "quarantine") or holder(path)(record):
                return
            fault = _missing(name)
        self._decided(name, fault, may_be_null=True)

    def _decided(self, name: str, fault: RecordUnreadable, *, may_be_null: bool) -> None:
        """Return where the field says nothing; raises the fault, `SectionSilent`, or `SourceFrozen`."""
        if not fault.drift:
            raise fault
        kind: DriftKind = fault.drift  # type: ignore[assignment]  # set by compiling.py
        mode = self.mode(name, kind) or "quarantine"
        if mode == "freeze":
            raise SourceFrozen(field=name, drift=kind)
        if mode == "quarantine" or name in ESSENTIAL:
            raise fault
        self.notice(name, kind, mode)
        if not may_be_null:
            raise SectionSilent


def _missing(name: str) -> RecordUnreadable:
    return RecordUnreadable(field=name, cause="is missing", value="nothing", drift="missing_field")


def paths_held(value: Value) -> Callable[[Node], bool]:
    """Return the function that tells whether a record has every path that a value is read from."""
    paths = [path for path in (value.path, value.count, *(value.sum or ())) if path is not None]
    holders = [holder(path) for path in paths]
    return lambda node: all(holds(node) for holds in holders)


def shown(name: str) -> str:
    """
    Return a field's name for people: a source may use anything as a name, even a number that must not be shown.

    >>> shown("anggota.agama"), shown("anggota.9901014505900001")
    ('anggota.agama', 'aaaaaaa.9999999999999999')
    >>> shown("anggota.9901 0145 0590 0001")
    'aaaaaaa.9999 9999 9999 9999'
    """
    return masked(name) if _DIGITS.search(name) or len(name) > _LONGEST else name

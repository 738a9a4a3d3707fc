"""
What happens when a source changes its shape: a mode for each kind of drift, for the whole region, a section or a field.

Why: a source changes without asking; whether that stops, is told, is left out or is put aside is the region's decision, not an accident.
Must not: notice anything (producers/drift.py does), or know which fields an event has.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from producers.declaration.model import Model, Path

__all__ = ["DRIFT_KINDS", "ESSENTIAL", "MODES", "DriftKind", "DriftModes", "Mode", "Modes"]

Mode = Literal["freeze", "evolve", "discard", "quarantine"]
"""Stop until a person accepts; go on and tell it; go on without the field, untold; put the record aside."""
DriftKind = Literal["new_field", "missing_field", "changed_type", "new_code"]
MODES: tuple[Mode, ...] = ("freeze", "evolve", "discard", "quarantine")
DRIFT_KINDS: tuple[DriftKind, ...] = ("new_field", "missing_field", "changed_type", "new_code")
ESSENTIAL = frozenset({"household", "residence.village", "valid_from", "revision", "recorded_at", "ended", "retracted"})
"""Fields without which there is no event: a record goes on without none of them, whatever is declared for the region."""


class Modes(Model):
    """A mode for each kind of drift; what is not said is as the next wider place says it."""

    new_field: Mode | None = None
    """The source has a field that nothing reads and that it did not have before."""
    missing_field: Mode | None = None
    """A field that the mapping reads is no longer in the record."""
    changed_type: Mode | None = None
    """A value is not written as its field needs it: no number, no date, no text, no list."""
    new_code: Mode | None = None
    """A value that the code table, or the range, does not have."""

    def of(self, kind: DriftKind) -> Mode | None:
        """Return the mode declared here for a kind."""
        found: Mode | None = getattr(self, kind)
        return found


class DriftModes(Modes):
    """The modes of a region: as a whole, and for single sections (`dwelling`) and fields (`members.sex`)."""

    known: tuple[Path, ...] = ()
    """Fields of the source that are left unread on purpose; with it any other unread field is new from the first record on."""
    only: Mapping[str, Modes] = Field(default_factory=dict)
    """Modes of one section or field of the event, by its name."""

    def mode(self, name: str, kind: DriftKind) -> Mode | None:
        """Return the mode declared for a field (`members.sex`) or section: its own, else its section's, else the region's; or None."""
        for place in (self.only.get(name), self.only.get(name.partition(".")[0]), self):
            if place is not None and (found := place.of(kind)) is not None:
                return found
        return None

"""
The mapping of a region file, section by section of the event.

Why: what a region does not declare is not said, and what it declares is checked by the kind that the event's field has.
Must not: know a kind of source.
"""

from collections.abc import Mapping

from pydantic import Field

from producers.declaration.model import Model, Path
from producers.declaration.value import Basis, Date, Flag, Moment, Text, Whole

__all__ = [
    "Composition",
    "DwellingSection",
    "MembersSection",
    "NutritionSection",
    "ProgrammesSection",
    "RegionMapping",
    "Section",
    "WelfareSection",
]


class Section(Model):
    """A section of the event."""

    when: Path | None = None
    """The path that must lead somewhere, else the record says nothing of this section."""


class Composition(Section):
    """How many members the household has."""

    size: Whole


class WelfareSection(Section):
    """Expenditure of the household in rupiah per month, and how it is known."""

    expenditure: Whole
    basis: Basis


class DwellingSection(Section):
    """The dwelling in the codes of Regsosek 2022."""

    tenure: Whole | None = None
    floor_area_m2: Whole | None = None
    floor: Whole | None = None
    wall: Whole | None = None
    roof: Whole | None = None
    water: Whole | None = None
    lighting: Whole | None = None
    fuel: Whole | None = None
    toilet: Whole | None = None
    sewage: Whole | None = None


class _Each(Model):
    each: Path
    """The list in the record; where it is missing or null, the record says nothing of this section."""
    where: Mapping[str, str] = Field(default_factory=dict)


class MembersSection(_Each):
    """The members: person is the NIK, of which only a pseudonym leaves; empty and pending ones say nothing."""

    person: Text | None = None
    sex: Whole | None = None
    birth_year: Whole | None = None
    birth_month: Whole | None = None
    relation: Whole | None = None
    schooling: Whole | None = None
    work: Whole | None = None
    presence: Whole | None = None


class ProgrammesSection(_Each):
    """
    Aid received. A programme is what its table gives, or a short name such as PKH or BLT-Desa.

    With `free_text` it is whatever the source writes there, which leaves the region: then a person may stand in it.
    """

    programme: Text
    free_text: bool = False
    last_month: Date | None = None
    amount: Whole | None = None


class NutritionSection(_Each):
    """Children weighed and measured: person is the child's NIK, status the code of Regsosek 427."""

    person: Text | None = None
    measured_on: Date
    weight_g: Whole | None = None
    height_mm: Whole | None = None
    status: Whole | None = None


class RegionMapping(Model):
    """The way from a record to an event."""

    household: Text
    """The family card's number, of which only a pseudonym leaves."""
    village: Text
    residence: bool = True
    """False where the source does not say where the household lives: the village then only tells whose regency's topic it goes to."""
    valid_from: Date
    revision: Whole
    recorded_at: Moment
    ended: Flag | None = None
    retracted: Flag | None = None
    composition: Composition | None = None
    welfare: WelfareSection | None = None
    dwelling: DwellingSection | None = None
    members: MembersSection | None = None
    programmes: ProgrammesSection | None = None
    nutrition: NutritionSection | None = None

"""
The declaration: what a region file may say, as types; a small closed language, so that it can be checked before anything starts.

Why: a region is a file, not code, and whoever writes one is told every mistake in words of the file.
Must not: read a file or the environment (region_file.py does), or hold a secret: it names the variables that do.
"""

from typing import Annotated

from pydantic import Field

from producers.declaration.drift import DRIFT_KINDS, ESSENTIAL, MODES, DriftKind, DriftModes, Mode, Modes
from producers.declaration.example import Example
from producers.declaration.files import FilesSource
from producers.declaration.model import PATTERNS, Model
from producers.declaration.postgres import ChildTable, PostgresSource
from producers.declaration.rest import RestSource
from producers.declaration.sections import (
    Composition,
    DwellingSection,
    MembersSection,
    NutritionSection,
    ProgrammesSection,
    RegionMapping,
    WelfareSection,
)
from producers.declaration.value import Conversion, Kind, Value, kind_of
from producers.declaration.webhook import WebhookSource

__all__ = [
    "DRIFT_KINDS",
    "ESSENTIAL",
    "MODES",
    "PUSHING_KINDS",
    "SOURCE_KINDS",
    "ChildTable",
    "Composition",
    "Conversion",
    "Declaration",
    "DriftKind",
    "DriftModes",
    "DwellingSection",
    "Example",
    "FilesSource",
    "Kind",
    "MembersSection",
    "Mode",
    "Modes",
    "NutritionSection",
    "PostgresSource",
    "ProgrammesSection",
    "RegionMapping",
    "RestSource",
    "Value",
    "WebhookSource",
    "WelfareSection",
    "kind_of",
]

_SOURCE_ID, _REGENCY = r"^[a-z][a-z0-9_-]{0,15}$", r"^\d\d\.\d\d$"
PATTERNS[_SOURCE_ID] = "is no source's id: up to 16 small letters, digits, - and _, a letter first, such as carik"
PATTERNS[_REGENCY] = "is no regency's code such as 31.74"

SOURCE_KINDS = ("rest", "postgres", "files", "webhook")
"""The kinds of source, as `kind` in a region file names them."""
PUSHING_KINDS = ("webhook",)
"""Those that cannot be asked again: they tell when they like."""


class Declaration(Model):
    """One region's adapter: a region file, read and checked."""

    name: str = Field(min_length=1)
    source_id: str = Field(pattern=_SOURCE_ID)
    mapping_version: int = Field(ge=1, lt=1 << 31)
    regencies: tuple[Annotated[str, Field(pattern=_REGENCY)], ...] = Field(min_length=1)
    source: Annotated[RestSource | PostgresSource | FilesSource | WebhookSource, Field(discriminator="kind")]
    mapping: RegionMapping
    drift: DriftModes = DriftModes()
    example: tuple[Example, ...] = ()

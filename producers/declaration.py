"""
The declaration: what a region file may say, as types; a small closed language, so that it can be checked before anything starts.

Why: a region is a file, not code, and whoever writes one is told every mistake in words of the file.
Must not: read a file or the environment (region_file.py does), or hold a secret: it names the variables that do.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "Composition",
    "Conversion",
    "Declaration",
    "DwellingSection",
    "FilesSource",
    "Kind",
    "MembersSection",
    "ProgrammesSection",
    "RegionMapping",
    "RestSource",
    "Value",
    "WelfareSection",
    "kind_of",
]

Conversion = Literal["text", "whole", "flag", "date", "month", "moment", "microseconds", "year", "month_of_year"]
Kind = Literal["text", "whole", "flag", "date", "moment", "basis"]
"""What a field of the event is made of; a path without a conversion is read as what its field needs."""
_GIVES: Mapping[str, Kind] = {"month": "date", "microseconds": "whole", "year": "whole", "month_of_year": "whole"}
_BASES = ("OBSERVED", "MODELLED")


_Path = Annotated[str, Field(pattern=r"^(\^\.)*[^.^\[\]]+(\.[^.^\[\]]+)*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class Value(_Model):
    """
    Where a field's value comes from: exactly one of path, constant, sum, count; then a code table or a conversion.

    A path is names joined by dots; `^` goes to what the record lies in. Where a value is missing or null, a field that may be
    null says nothing, unless it is `required`; any other makes the record unreadable.
    """

    path: _Path | None = None
    constant: str | int | bool | None = None
    sum: tuple[_Path, ...] | None = Field(None, min_length=1)
    count: _Path | None = None
    """The list whose items are counted, those that fit `where`."""
    where: Mapping[str, str] = Field(default_factory=dict)
    table: Mapping[str, str | int | bool] | None = Field(None, min_length=1)
    conversion: Conversion | None = Field(None, alias="as")
    format: str | None = None
    """How a date, month or moment is written, in the letters of C's strptime, such as %d-%m-%Y; without it ISO 8601."""
    range: tuple[int, int] | None = None
    required: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> "Value":
        origins = [name for name in ("path", "constant", "sum", "count") if getattr(self, name) is not None]
        if len(origins) != 1:
            raise ValueError("give exactly one of path, constant, sum, count")
        if self.table is not None and self.conversion is not None:
            raise ValueError("give a table or a conversion (as), not both")
        if self.where and self.count is None:
            raise ValueError("where belongs to count")
        if origins[0] in ("constant", "sum", "count") and (self.table or self.conversion):
            raise ValueError(f"a {origins[0]} takes no table and no conversion (as)")
        if self.range and self.range[0] > self.range[1]:
            raise ValueError("range is [least, greatest]")
        if self.format is not None and self.conversion not in (None, "date", "month", "moment", "year", "month_of_year"):
            raise ValueError("format belongs to dates")
        return self


def kind_of(value: Value) -> Kind | None:
    """Return what a value gives, or None where its field decides (a path without table and conversion)."""
    if value.conversion is not None:
        return _GIVES.get(value.conversion, value.conversion)  # type: ignore[arg-type]  # the rest of the conversions are kinds
    if value.sum is not None or value.count is not None:
        return "whole"
    told = [value.constant] if value.constant is not None else list(value.table.values()) if value.table else []
    if not told:
        return None
    kinds: set[Kind] = {"flag" if isinstance(one, bool) else "whole" if isinstance(one, int) else "text" for one in told}
    if len(kinds) > 1:
        raise ValueError("the values of a table are all of one type")
    return kinds.pop()


def _short(value: Any) -> Any:  # noqa: ANN401 - TOML
    return {"path": value} if isinstance(value, str) else value


def _must_give(kind: Kind) -> AfterValidator:
    def check(value: Value) -> Value:
        given = kind_of(value)
        if kind == "basis":
            told = [value.constant] if value.constant is not None else list((value.table or {}).values())
            if not told or any(one not in _BASES for one in told):
                raise ValueError("give a table or constant with the values OBSERVED and MODELLED")
        elif given is not None and given != kind:
            raise ValueError(f"a {kind} is needed, this gives a {given}")
        return value

    return AfterValidator(check)


_Text = Annotated[Value, BeforeValidator(_short), _must_give("text")]
_Whole = Annotated[Value, BeforeValidator(_short), _must_give("whole")]
_Flag = Annotated[Value, BeforeValidator(_short), _must_give("flag")]
_Date = Annotated[Value, BeforeValidator(_short), _must_give("date")]
_Moment = Annotated[Value, BeforeValidator(_short), _must_give("moment")]
_Basis = Annotated[Value, BeforeValidator(_short), _must_give("basis")]


class _Section(_Model):
    when: _Path | None = None
    """The path that must lead somewhere, else the record says nothing of this section."""


class Composition(_Section):
    """How many members the household has."""

    size: _Whole


class WelfareSection(_Section):
    """Expenditure of the household in rupiah per month, and how it is known."""

    expenditure: _Whole
    basis: _Basis


class DwellingSection(_Section):
    """The dwelling in the codes of Regsosek 2022."""

    tenure: _Whole | None = None
    floor_area_m2: _Whole | None = None
    floor: _Whole | None = None
    wall: _Whole | None = None
    roof: _Whole | None = None
    water: _Whole | None = None
    lighting: _Whole | None = None
    fuel: _Whole | None = None
    toilet: _Whole | None = None
    sewage: _Whole | None = None


class _Each(_Model):
    each: _Path
    """The list in the record; where it is missing or null, the record says nothing of this section."""
    where: Mapping[str, str] = Field(default_factory=dict)


class MembersSection(_Each):
    """The members: person is the NIK, of which only a pseudonym leaves; empty and pending ones say nothing."""

    person: _Text | None = None
    sex: _Whole | None = None
    birth_year: _Whole | None = None
    birth_month: _Whole | None = None
    relation: _Whole | None = None
    schooling: _Whole | None = None
    work: _Whole | None = None
    presence: _Whole | None = None


class ProgrammesSection(_Each):
    """Aid received."""

    programme: _Text
    last_month: _Date | None = None
    amount: _Whole | None = None


class RegionMapping(_Model):
    """The way from a record to an event."""

    household: _Text
    """The family card's number, of which only a pseudonym leaves."""
    village: _Text
    valid_from: _Date
    revision: _Whole
    recorded_at: _Moment
    ended: _Flag | None = None
    retracted: _Flag | None = None
    composition: Composition | None = None
    welfare: WelfareSection | None = None
    dwelling: DwellingSection | None = None
    members: MembersSection | None = None
    programmes: ProgrammesSection | None = None


class Token(_Model):
    """OAuth2 client credentials: where tokens are made, and which environment variables hold id and secret."""

    path: str
    client_id_env: str
    client_secret_env: str


class Cursor(_Model):
    """The place in the change feed: the parameter that takes it, and where an answer tells the next; a change time, inclusive."""

    parameter: str
    path: _Path


class Page(_Model):
    """The parameter that takes the greatest number of records of an answer, and what we ask for."""

    parameter: str
    size: int = Field(500, ge=1, le=10_000)


class RestSource(_Model):
    """A change feed over HTTP with a cursor by change time."""

    kind: Literal["rest"]
    url: str
    changes: str
    records: str
    """The path to the records in an answer, with [] where a list is gone through."""
    cursor: Cursor
    more: _Path
    """The path of the flag that says whether more is there already."""
    page: Page
    poll_s: float = Field(2.0, gt=0, le=86_400)
    timeout_s: float = Field(30.0, gt=0, le=600)
    token: Token | None = None


class FilesSource(_Model):
    """A folder into which full snapshots are dropped: CSV, one file per village and month, by its name."""

    kind: Literal["files"]
    folder: str
    file_name: str
    """Such as `sddd_{village}_{period}_{exported}Z.csv`: period YYYYMM, exported YYYYMMDDThhmmssffffff in UTC."""
    columns: tuple[str, ...] = Field(min_length=1)
    encoding: str = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    poll_s: float = Field(2.0, gt=0, le=86_400)
    greatest_loss: float = Field(0.2, ge=0, le=1)
    """A snapshot that would end more than this share of its village is put aside whole."""
    greatest_mb: int = Field(64, ge=1, le=1024)
    """A larger file is put aside: a village's snapshot is a hundredth of it."""

    @model_validator(mode="after")
    def _named_parts(self) -> "FilesSource":
        if sorted(re.findall(r"\{(\w*)\}", self.file_name)) != ["exported", "period", "village"]:
            raise ValueError("file_name needs {village}, {period} and {exported}, each once")
        return self


class Declaration(_Model):
    """One region's adapter: a region file, read and checked."""

    name: str = Field(min_length=1)
    source_id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,15}$")
    mapping_version: int = Field(ge=1, lt=1 << 31)
    regencies: tuple[Annotated[str, Field(pattern=r"^\d\d\.\d\d$")], ...] = Field(min_length=1)
    source: Annotated[RestSource | FilesSource, Field(discriminator="kind")]
    mapping: RegionMapping

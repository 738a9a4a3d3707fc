"""
A value: where one field of the event comes from, and how it is read; the words of the mapping language.

Why: a small closed set, so that what a region file can do is known before it runs.
Must not: follow a path or convert (records.py, conversions.py and compiling.py do).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from producers.declaration.forms import form_fault
from producers.declaration.model import Misplaced, Mistake, Model, Path

__all__ = ["Basis", "Conversion", "Date", "Flag", "Kind", "Moment", "Text", "Value", "Whole", "kind_of"]

Conversion = Literal["text", "whole", "tenths", "thousandths", "flag", "date", "month", "moment", "microseconds", "year", "month_of_year"]
Kind = Literal["text", "short_name", "whole", "flag", "date", "moment", "basis"]
"""What a field of the event is made of; a path without a conversion is read as what its field needs."""
_GIVES: Mapping[str, Kind] = {
    "tenths": "whole",
    "thousandths": "whole",
    "month": "date",
    "microseconds": "whole",
    "year": "whole",
    "month_of_year": "whole",
}
_BASES = ("OBSERVED", "MODELLED")


class Value(Model):
    """
    Where a field's value comes from: exactly one of path, constant, sum, count; then a code table or a conversion.

    A path is names joined by dots; `^` goes to what the record lies in. Where a value is missing or null, a field that may be
    null says nothing, unless it is `required`; any other makes the record unreadable.
    """

    path: Path | None = None
    constant: str | int | bool | None = None
    sum: tuple[Path, ...] | None = Field(None, min_length=1)
    count: Path | None = None
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
        if self.format is not None and (wrong := form_fault(self.format)):
            raise Misplaced(Mistake(("format",), wrong))
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
            raise ValueError(f"a {kind} is needed, this gives a {given}: {_right(kind)}")
        return value

    return AfterValidator(check)


def _right(kind: Kind) -> str:
    """Return what would give a kind."""
    ways = [one for one in get_args(Conversion) if _GIVES.get(one, one) == kind]
    others = {"whole": ", a table of whole numbers, a sum or a count", "text": ", a table of texts", "flag": ", a table of true and false"}
    return f"take a path as {' or '.join(ways)}{others.get(kind, '')}"


Text = Annotated[Value, BeforeValidator(_short), _must_give("text")]
Whole = Annotated[Value, BeforeValidator(_short), _must_give("whole")]
Flag = Annotated[Value, BeforeValidator(_short), _must_give("flag")]
Date = Annotated[Value, BeforeValidator(_short), _must_give("date")]
Moment = Annotated[Value, BeforeValidator(_short), _must_give("moment")]
Basis = Annotated[Value, BeforeValidator(_short), _must_give("basis")]

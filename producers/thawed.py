"""
Making frozen dataclasses quickly: an object is filled while it can still be changed, and is then of its frozen class.

Why: a frozen dataclass sets each of its fields by a call, so that making a household's objects takes longer than reading its record.
Must not: give an object to anybody before it is frozen; make anything that its class would not have made.
"""

from collections.abc import Callable
from dataclasses import MISSING, field, fields, make_dataclass
from typing import Any, TypeVar, cast

__all__ = ["maker"]

T = TypeVar("T")


def maker(kind: type[T]) -> Callable[..., T]:
    """Return a function that makes what a frozen dataclass with slots makes of the same arguments, in a fourth of the time."""
    told = [(one.name, one.type, _like(one.default, kw_only=bool(one.kw_only))) for one in fields(cast("Any", kind))]
    thawed = make_dataclass(kind.__name__, told, slots=True, eq=False, repr=False)

    def make(*values: Any, **named: Any) -> T:  # noqa: ANN401 - what the class takes
        made = thawed(*values, **named)
        made.__class__ = kind
        return cast("T", made)

    return make


def _like(default: Any, *, kw_only: bool) -> Any:  # noqa: ANN401 - of the field's type
    return field(kw_only=kw_only) if default is MISSING else field(default=default, kw_only=kw_only)

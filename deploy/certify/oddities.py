"""
Oddities: how a source's record may be without notice, where a region file reads it, and how an adapter must see it.

Why: that a record was put aside says little; that it was for what is odd in it, and that a person is told, is what is tried.
Must not: know a protocol beyond whether its records may lack a field, and tell what lies around them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deploy.certify.told import Told, card, name
from deploy.certify.writing import NOTHING, CannotBeSaid, Layers, Writer, put
from producers.declaration import ESSENTIAL, Declaration, DriftKind, Mode, RegionMapping, Value
from producers.declaration.sections import Section
from producers.records import Node, follower

__all__ = ["Odd", "Oddity", "odd_of", "written"]

_NEW = "kolom_baru_contoh"
_FORMATS = ("%d.%m.%Y", "%Y/%m/%d")


class Oddity(StrEnum):
    """What sources do to their records without notice."""

    MISSING_FIELD = "a missing field"
    MISSING_DATE = "a missing date"
    MISSING_VILLAGE = "a missing village"
    CHANGED_TYPE = "a changed type"
    OTHER_DATE = "a date in another format"
    TEXT_FOR_LIST = "a text where a list belongs"
    NEW_CODE = "a new code"
    NO_IDENTIFIER = "a family card that is no number"
    NAMED_PROGRAMME = "a name where a programme belongs"
    NEW_FIELD = "a new field"
    LEFT_OUT = "a field left out that may be"


@dataclass(frozen=True, slots=True)
class Odd:
    """Where something is odd, what stands there, and how it must be seen."""

    path: str
    value: Any
    fields: frozenset[str]
    """The fields of the event, or for a new field that of the source: one of them is told."""
    kind: DriftKind | None
    """The drift that is told; None where it is none, only a record that cannot be read."""
    mode: Mode
    """What must be done then."""
    items: str | None = None
    """The list in whose first item the path is; None where it is in the record itself."""


def odd_of(declared: Declaration, oddity: Oddity, told: Told, *, lacks: bool, around: bool) -> Odd:
    """
    Return how a record is odd in one way.

    `lacks` says whether a record may lack a field, and has types, where others have it empty, and texts; `around` whether a source tells
    what its records lie in. Raises `CannotBeSaid` where the mapping has nothing that could be so, or declares that the adapter stops for
    a person then.
    """
    path, value, fields, kind, items = _PLACES[oddity](declared.mapping, told, lacks)
    if "^" in path and not around:
        raise CannotBeSaid(what=str(oddity), why="that stands beside its records, not in them")
    mode = _mode(declared, fields, kind) or ("evolve" if oddity in (Oddity.NEW_FIELD, Oddity.LEFT_OUT) else "quarantine")
    if mode == "freeze":
        raise CannotBeSaid(what=str(oddity), why="it declares `freeze` for it, so that everything waits for a person")
    return Odd(path, value, fields, kind, mode, items)


def written(writer: Writer, told: Told, odd: Odd) -> Layers:
    """Return the record of a change that is odd so, and what it lies in."""
    layers = writer.record(told)
    within = layers
    if odd.items is not None:
        at: Node | None = None
        for layer in reversed(layers):
            at = Node(layer, at)
        assert at is not None  # noqa: S101 - a record is a layer
        within = [follower(odd.items)(at)[0], *layers]
    put(within, odd.path, odd.value if odd.value is NOTHING else writer.wired(odd.value))
    return layers


_Placed = tuple[str, Any, frozenset[str], DriftKind | None, str | None]
"""Path, value, fields, kind and list, as in `Odd`."""


def _new_field(_: RegionMapping, told: Told, __: bool) -> _Placed:
    return _NEW, name(told.serial), frozenset([_NEW]), "new_field", None


def _without(which: Callable[[RegionMapping], Value], field: str) -> Callable[[RegionMapping, Told, bool], _Placed]:
    """Return how a record is that has not what every event needs; null is no drift, only nothing."""
    return lambda mapping, _, lacks: (_path(which(mapping)), NOTHING, frozenset([field]), "missing_field" if lacks else None, None)


def _other_type(mapping: RegionMapping, told: Told, lacks: bool) -> _Placed:
    """Return a family card that became a number; where there are only texts, words in place of a number."""
    if lacks:
        return _path(mapping.household), int(card(told.serial)), frozenset(["household"]), "changed_type", None
    numbers: dict[str, Value] = {}
    if mapping.composition is not None:
        numbers["composition.size"] = mapping.composition.size
    if mapping.welfare is not None:
        numbers["welfare.expenditure"] = mapping.welfare.expenditure
    for field, value in numbers.items():
        if value.path is not None:
            return value.path, "bukan angka", frozenset([field]), "changed_type", None
    raise CannotBeSaid(what=str(Oddity.CHANGED_TYPE), why="it has only texts, and reads none as a number")


def _other_date(mapping: RegionMapping, told: Told, _: bool) -> _Placed:
    form = next(one for one in _FORMATS if one != mapping.valid_from.format)
    return _path(mapping.valid_from), told.since.strftime(form), frozenset(["valid_from"]), "changed_type", None


def _text_for_list(mapping: RegionMapping, told: Told, _: bool) -> _Placed:
    for section, path in _lists(mapping):
        counted = mapping.composition is not None and mapping.composition.size.count == path
        return path, name(told.serial), frozenset([section, *(["composition.size"] if counted else [])]), "changed_type", None
    raise CannotBeSaid(what=str(Oddity.TEXT_FOR_LIST), why="it reads no list")


def _new_code(mapping: RegionMapping, _: Told, __: bool) -> _Placed:
    coded = list(_coded(mapping))
    if not coded:
        raise CannotBeSaid(what=str(Oddity.NEW_CODE), why="it declares no code table for a field of the record itself")
    path = coded[0][0]
    return path, "KODE-BARU", frozenset(field for at, field in coded if at == path), "new_code", None


def _no_identifier(mapping: RegionMapping, told: Told, _: bool) -> _Placed:
    return _path(mapping.household), f"99X{told.serial}", frozenset(["household"]), None, None


def _named_programme(mapping: RegionMapping, told: Told, _: bool) -> _Placed:
    section, what = mapping.programmes, str(Oddity.NAMED_PROGRAMME)
    if section is None or section.programme.path is None:
        raise CannotBeSaid(what=what, why="it reads no programme")
    if section.free_text and section.programme.table is None:
        raise CannotBeSaid(what=what, why="it declares `free_text`, so a name there leaves the region")
    return section.programme.path, name(told.serial), frozenset(["programmes.programme"]), "new_code", section.each


def _left_out(mapping: RegionMapping, _: Told, lacks: bool) -> _Placed:
    """Return a record without something that the event may be without."""
    if not lacks:
        raise CannotBeSaid(what=str(Oddity.LEFT_OUT), why="its records have every field, though it may be empty")
    for field, one in _own(mapping.dwelling):
        if one.path and not one.required:
            return one.path, NOTHING, frozenset([f"dwelling.{field}"]), "missing_field", None
    for section, path in _lists(mapping):
        return path, NOTHING, frozenset([section]), "missing_field", None
    raise CannotBeSaid(what=str(Oddity.LEFT_OUT), why="it reads nothing that an event may be without")


_PLACES: Mapping[Oddity, Callable[[RegionMapping, Told, bool], _Placed]] = {
    Oddity.MISSING_FIELD: _without(lambda mapping: mapping.household, "household"),
    Oddity.MISSING_DATE: _without(lambda mapping: mapping.valid_from, "valid_from"),
    Oddity.MISSING_VILLAGE: _without(lambda mapping: mapping.village, "residence.village"),
    Oddity.CHANGED_TYPE: _other_type,
    Oddity.OTHER_DATE: _other_date,
    Oddity.TEXT_FOR_LIST: _text_for_list,
    Oddity.NEW_CODE: _new_code,
    Oddity.NO_IDENTIFIER: _no_identifier,
    Oddity.NAMED_PROGRAMME: _named_programme,
    Oddity.NEW_FIELD: _new_field,
    Oddity.LEFT_OUT: _left_out,
}


def _mode(declared: Declaration, fields: frozenset[str], kind: DriftKind | None) -> Mode | None:
    """Return what a region file declares for a drift; without what is essential no record goes on, whatever it declares."""
    modes = [declared.drift.mode("" if kind == "new_field" else field, kind) for field in sorted(fields)] if kind else []
    found = modes[0] if modes else None
    return "quarantine" if found in ("evolve", "discard") and fields & ESSENTIAL else found


def _coded(mapping: RegionMapping) -> Iterator[tuple[str, str]]:
    """Give path and field of all that a mapping reads by a code table in the record itself, first what is said of a family, then flags."""
    told = {name: one for name in ("dwelling", "welfare", "composition") if (one := getattr(mapping, name)) is not None}
    for section, of in told.items():
        yield from ((one.path, f"{section}.{field}") for field, one in _own(of) if one.table and one.path and "^" not in one.path)
    renamed = {"village": "residence.village"}
    for field in type(mapping).model_fields:
        one = getattr(mapping, field)
        if isinstance(one, Value) and one.table and one.path and "^" not in one.path:
            yield one.path, renamed.get(field, field)


def _lists(mapping: RegionMapping) -> Iterator[tuple[str, str]]:
    """Give section and path of every list that is read."""
    for section in ("programmes", "nutrition", "members"):
        if (one := getattr(mapping, section)) is not None:
            yield section, one.each


def _own(section: Section | None) -> Iterator[tuple[str, Value]]:
    for field in type(section).model_fields if section is not None else ():
        if isinstance(one := getattr(section, field), Value):
            yield field, one


def _path(value: Value) -> str:
    if value.path is None:
        raise CannotBeSaid(what="that something else stands there", why="it is the same in every record")
    return value.path

"""
The mapping backwards: from what is to be said of a family to a source record that says it, as a region file declares.

Why: a stand-in for any region's source needs no code of that region: what the mapping reads is what the source must have written.
Must not: know a protocol, a clock or IO; write what only this mapping could read: values are as the source would have them.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from deploy.certify.drawing import Drawn, birth, drawn, last_month, programmes
from deploy.certify.told import Says, Told, card, name, nik, street
from producers.declaration import Declaration, Kind, MembersSection, NutritionSection, ProgrammesSection, Value
from schemas.errors import Fatal
from schemas.events import WelfareBasis

__all__ = ["NOTHING", "CannotBeSaid", "Layers", "Writer", "put"]

Layers = list[dict[str, Any]]
"""A record and what it lies in: the record, then `^`, then `^.^`, ..."""
_Listed = MembersSection | ProgrammesSection | NutritionSection
NOTHING = object()
_BASES = [basis.value for basis in WelfareBasis]


class CannotBeSaid(Fatal):
    """the region file has no way to say {what}: {why}"""


class Writer:
    """Writes source records for one region file; `as_text` where a source has nothing but texts, as CSV does."""

    def __init__(self, declared: Declaration, depth: int, *, as_text: bool = False) -> None:
        """Know the mapping; `depth` is how many layers a record has, itself included."""
        self._declared, self._mapping, self._depth = declared, declared.mapping, depth
        self._as_text = as_text

    def villages(self, regency: str) -> list[str]:
        """Return two villages of a regency that a record can name; one where the mapping knows no other."""
        village = self._mapping.village
        if village.constant is not None:
            return [str(village.constant)]
        if village.table is not None:
            return [str(code) for code in village.table.values() if str(code).startswith(regency)][:2]
        return [f"{regency}.01.2001", f"{regency}.01.2002"]

    @property
    def resolution(self) -> timedelta:
        """The least time between two changes of a family that a record can tell apart."""
        formats = [value.format for value in (self._mapping.revision, self._mapping.recorded_at) if value.format]
        return timedelta(microseconds=1) if all("%f" in one for one in formats) else timedelta(seconds=1)

    @property
    def can_end(self) -> bool:
        """Whether a record can say that a family is no more."""
        return self._mapping.ended is not None

    @property
    def can_retract(self) -> bool:
        """Whether a record can say that a statement was wrong."""
        return self._mapping.retracted is not None

    @property
    def can_leave_out_welfare(self) -> bool:
        """Whether a record may say nothing of welfare."""
        return self._mapping.welfare is not None and self._mapping.welfare.when is not None

    @property
    def tells_residence(self) -> bool:
        """Whether records tell where a family lives."""
        return self._mapping.residence

    @property
    def tells_size(self) -> bool:
        """Whether records tell how many members a family has."""
        return self._mapping.composition is not None

    @property
    def tells_welfare(self) -> bool:
        """Whether records tell expenditure."""
        return self._mapping.welfare is not None

    def record(self, told: Told) -> Layers:
        """Return the record that tells a change, with names, addresses and numbers beside it that must not leave the region."""
        layers: Layers = [
            {"nama_contoh": name(told.serial), "alamat_contoh": street(told.serial), "nik_contoh": nik(told.serial, place)}
            for place in range(self._depth)
        ]
        for path, value in self._all_written(told):
            put(layers, path, self.wired(value))
        return layers

    def wired(self, value: Any) -> Any:  # noqa: ANN401 - what a source writes
        """Return a value as the source writes it: where it has only texts, as one."""
        is_items = isinstance(value, list) and all(isinstance(one, dict) for one in value)
        if not self._as_text or value is None or value is NOTHING or is_items:
            return value
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _all_written(self, told: Told) -> Iterator[tuple[str, Any]]:
        mapping, fact = self._mapping, told.fact
        yield from _written(mapping.household, "text", card(told.serial))
        yield from _written(mapping.village, "text", fact.village)
        yield from _written(mapping.valid_from, "date", told.since)
        yield from _written(mapping.recorded_at, "moment", told.moment)
        yield from _written(mapping.revision, "whole", told.moment if mapping.revision.conversion == "microseconds" else told.sequence)
        yield from self._flags(told)
        yield from self._sections(told)

    def _flags(self, told: Told) -> Iterator[tuple[str, Any]]:
        """Give what tells whether a family has ended, or a statement was wrong; one field may tell both, by its codes."""
        wanted: dict[str, list[tuple[Value, bool]]] = {}
        for flag, says in ((self._mapping.ended, Says.ENDS), (self._mapping.retracted, Says.NEVER_WAS)):
            if flag is not None:
                wanted.setdefault(flag.path or "", []).append((flag, told.says is says))
            elif told.says is says:
                raise CannotBeSaid(what=f"that a family {says}", why="it declares neither ended nor retracted")
        for path, flags in wanted.items():
            first, value = flags[0]
            if path and first.table is not None:
                codes = [code for code in first.table if all((one.table or {}).get(code) == wants for one, wants in flags)]
                yield path, (codes or list(first.table))[0]
            else:
                yield from _written(first, "flag", value)

    def _sections(self, told: Told) -> Iterator[tuple[str, Any]]:
        mapping, fact = self._mapping, told.fact
        if mapping.dwelling is not None:
            for field in type(mapping.dwelling).model_fields:
                if isinstance(value := getattr(mapping.dwelling, field), Value):
                    yield from _written(value, "whole", drawn(told, f"dwelling.{field}"))
            yield from _present(mapping.dwelling.when)
        for section in (mapping.members, mapping.programmes, mapping.nutrition):
            if section is not None:
                yield section.each, self._items(section, told)
        if mapping.composition is not None:
            yield from self._size(told)
        if mapping.welfare is not None and fact.expenditure is not None:
            yield from _present(mapping.welfare.when)
            yield from _written(mapping.welfare.expenditure, "whole", fact.expenditure)
            yield from _written(mapping.welfare.basis, "basis", _BASES[drawn(told, "welfare.basis").number % len(_BASES)])

    def _size(self, told: Told) -> Iterator[tuple[str, Any]]:
        """Give what tells the size: a number, or a list of so many items that count (it is the list of members, where they lie there)."""
        composition = self._mapping.composition
        assert composition is not None  # noqa: S101 - asked for where it is declared
        size = composition.size
        if size.count is None:
            yield from _written(size, "whole", told.fact.size)
        elif self._mapping.members is None or self._mapping.members.each != size.count:
            yield size.count, [{**size.where} for _ in range(told.fact.size)]
        yield from _present(composition.when)

    def _items(self, section: _Listed, told: Told) -> list[dict[str, Any]]:
        """Return a list's items: as many members as the family has, some programmes, or one measurement."""
        if isinstance(section, ProgrammesSection):
            return [self._item(section, told, place, {"programme": one}) for place, one in enumerate(programmes(told, section.programme))]
        if isinstance(section, NutritionSection):
            return [self._item(section, told, 0, {"measured_on": told.since})]
        size = self._mapping.composition.size if self._mapping.composition else None
        counted = dict(size.where) if size is not None and size.count == section.each else {}
        return [{**self._item(section, told, place, {}), **counted} for place in range(told.fact.size)]

    def _item(self, section: _Listed, told: Told, place: int, says: Mapping[str, Any]) -> dict[str, Any]:
        """Return an item that says what is given, by the fields of the event, and of all else something."""
        item: Layers = [{"nama_contoh": name(told.serial)}, *({} for _ in range(self._depth))]
        born = birth(told, place)
        known = {"person": nik(told.serial, place), "last_month": last_month(told, place), **says}
        for field in type(section).model_fields:
            if isinstance(value := getattr(section, field), Value):
                of = "members" if isinstance(section, MembersSection) else "programmes" if "programme" in says else "nutrition"
                wanted = known.get(field, _born(field, value, born) or drawn(told, f"{of}.{field}", place))
                for path, written in _written(value, "whole", wanted):
                    put(item, path, self.wired(written))
        item[0].update(section.where)
        return item[0]


def _born(field: str, value: Value, born: date) -> date | int | None:
    """Return what tells a year or month of birth: a day, or where it is read as a number that one; None for any other field."""
    if field not in ("birth_year", "birth_month"):
        return None
    if value.conversion not in (None, "whole"):
        return born
    return born.year if field == "birth_year" else born.month


# ---- one value ------------------------------------------------------------------------------------------------------------


def _written(value: Value, kind: Kind, wanted: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - of the field's kind
    """Give the paths that a value reads, with what must stand there for it to become what is wanted."""
    if value.sum is not None:
        yield value.sum[0], _as_read(value, kind, wanted)
        yield from ((path, 0) for path in value.sum[1:])
    elif value.path is not None:
        yield value.path, _code(value.table, wanted) if value.table is not None else _as_read(value, kind, wanted)


def _code(table: Mapping[str, str | int | bool], wanted: Any) -> str:  # noqa: ANN401
    if isinstance(wanted, Drawn):
        return wanted.code(list(table))
    fitting = [key for key, meant in table.items() if meant == wanted]
    return (fitting or list(table))[0]


def _as_read(value: Value, kind: Kind, wanted: Any) -> Any:  # noqa: ANN401
    """Return what a path's conversion reads as what is wanted."""
    if isinstance(wanted, datetime):
        return wanted.strftime(value.format) if value.format else wanted.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(wanted, date):
        if value.conversion == "month" and value.format is None:
            return f"{wanted:%Y-%m}"
        return wanted.strftime(value.format) if value.format else wanted.isoformat()
    if not isinstance(wanted, Drawn):
        return wanted
    if kind != "whole":
        return "x"
    number = wanted.whole(value)
    return number if value.conversion in (None, "whole") else str(number)


def _present(path: str | None) -> Iterator[tuple[str, Any]]:
    """Give what makes a section's `when` lead somewhere, unless something else of it does already."""
    if path is not None:
        yield path, None


def put(layers: Layers, path: str, value: Any) -> None:  # noqa: ANN401
    """
    Write a value where a path leads, `^` going to what the record lies in; None only makes sure that the path leads somewhere.

    >>> layers = [{}, {}]
    >>> put(layers, "^.a.b", 1), put(layers, "c", 2), put(layers, "c", None), layers
    (None, None, None, [{'c': 2}, {'a': {'b': 1}}])
    """
    names = path.split(".")
    up = len([one for one in names if one == "^"])
    at = layers[up]
    *inner, last = names[up:]
    for one in inner:
        at = at.setdefault(one, {})
    if value is NOTHING:
        at.pop(last, None)
    elif value is not None:
        at[last] = value
    elif at.get(last) is None:
        at[last] = {}

"""
Reading many fields of a record in one step: what is not odd in it needs no look of its own.

Why: an event has some forty fields, and a call of Python for each of them is most of what a mapping takes.
Must not: judge: whatever is odd (missing, null where it may not be, unreadable, of another type) is left to the fields' own readings.

A field that is read from one path, and from nothing else, has a table of what its texts become. The paths that lie together are looked
up together, and so are the tables: both by functions of C.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, getitem, itemgetter
from typing import Any

from producers.records import Node, follower

__all__ = ["ODD", "Field", "Known", "Texts", "at_once", "each_at_once"]

Get = Callable[[Node], Any]
_Names = Callable[[Mapping[str, Any]], Sequence[Any]]
_Put = Callable[[list[Any]], Sequence[Any]]
_Look = tuple[str, _Names, list["Known"]]
ODD = (AttributeError, KeyError, TypeError, ValueError)
"""What reading at once raises where a field's own reading must decide."""


class Known(dict[Any, Any]):
    """
    What a field becomes for the texts that it was read from: codes, days and small numbers come over and over.

    Only texts are remembered: to a dict JSON's true, 1 and 1.0 are one. Another value is read each time that it is asked for.
    """

    __slots__ = ("_most", "_read")

    def __init__(self, read: Callable[[Any], Any], most: int) -> None:
        """Remember so many results of a reading, which raises `ValueError` for what it cannot read; 0 for texts that are not to stay."""
        self._read, self._most = read, most

    def __missing__(self, found: Any) -> Any:  # noqa: ANN401 - what a source writes
        """Read a value; raises `KeyError` for null, of which nothing is read."""
        if found is None:
            raise KeyError
        value = self._read(found)
        if len(self) < self._most and type(found) is str:
            self[found] = value
        return value

    def then(self, write: Callable[[Any], Any]) -> "Known":
        """Return the same with each result taken further, which is remembered in its place."""
        read = self._read
        made = Known(lambda found: write(read(found)), self._most)
        made.update((found, write(value)) for found, value in self.items())
        return made

    def of(self, found: Any) -> Any:  # noqa: ANN401
        """Return the same for a value that may be anything but null, even a list."""
        return self[found] if type(found) is str else self._read(found)


class Texts(Known):
    """The same of a field that holds texts as they are: none of them is remembered, since they may be identifiers."""

    __slots__ = ()

    def __init__(self, read: Callable[[Any], Any]) -> None:
        """Read what is more than plain text by a reading."""
        super().__init__(read, 0)

    def __missing__(self, found: Any) -> Any:  # noqa: ANN401 - what a source writes
        """Return a text; raises as `Known` does."""
        return found if type(found) is str and found.isascii() else super().__missing__(found)

    def then(self, write: Callable[[Any], Any]) -> Known:
        """Return the same with each result taken further; nothing of it is remembered."""
        return _TextsThen(self, write)


class _TextsThen(Known):
    """What texts become that are not remembered."""

    __slots__ = ("_write",)

    def __init__(self, texts: Texts, write: Callable[[Any], Any]) -> None:
        """Take texts further by a function."""
        super().__init__(texts._read, 0)  # noqa: SLF001 - of the same kind
        self._write = write
        self.update((found, write(value)) for found, value in texts.items())

    def __missing__(self, found: Any) -> Any:  # noqa: ANN401 - what a source writes
        """Take a text further; raises as `Known` does."""
        return self._write(found if type(found) is str and found.isascii() else super().__missing__(found))


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an event, compiled."""

    get: Get
    """Its own reading of a record: it knows what to do with all that may be odd."""
    path: str | None
    """The one path that it is read from; None where it is read from more, or from nothing."""
    known: Known


def at_once(fields: Sequence[Field | None], none: Any = None) -> Callable[[Node], Sequence[Any]]:  # noqa: ANN401 - of the fields' kind
    """
    Return the reading of fields in their order, `none` where a field is not declared.

    It raises one of `ODD` where something is odd; then each field's own reading gives the same, or the fault.
    """
    looks, gets, put = _planned(fields)
    if len(looks) == 1 and not gets:
        ((above, names, known),) = looks
        holding = _holding(above)
        return lambda node: put([*map(getitem, known, names(holding(node))), none])
    held = [(_holding(above), names, known) for above, names, known in looks]

    def read(node: Node) -> Sequence[Any]:
        found: list[Any] = []
        for holding, names, known in held:
            found += map(getitem, known, names(holding(node)))
        for get in gets:
            found.append(get(node))
        found.append(none)
        return put(found)

    return read


def each_at_once(fields: Sequence[Field | None], writes: Sequence[Callable[[Any], bytes]]) -> Callable[[Any, Node], bytes]:
    """Return the reading of an item of a list, given with the record that it lies in, as bytes; each field has its writer."""
    written = [_then(one, write) if one is not None else None for one, write in zip(fields, writes, strict=True)]
    looks, gets, put = _planned(written)
    none, join = b"\0", b"".join
    if len(looks) == 1 and not looks[0][0] and not gets:
        ((_, names, known),) = looks
        return lambda item, _: join(put([*map(getitem, known, names(item)), none]))
    read = at_once(written, none)
    return lambda item, record: join(read(Node(item, record)))


def _then(one: Field, write: Callable[[Any], Any]) -> Field:
    get = one.get
    return Field(lambda node: write(get(node)), one.path, one.known.then(write))


def _planned(fields: Sequence[Field | None]) -> tuple[list[_Look], list[Get], _Put]:
    """Return what is looked up together, by what lies above it; what is read by itself; and the order of it all."""
    places: dict[str, list[tuple[int, str, Known]]] = {}
    others: list[tuple[int, Get]] = []
    for number, one in enumerate(fields):
        if one is not None and one.path is not None:
            above, _, name = one.path.rpartition(".")
            places.setdefault(above, []).append((number, name, one.known))
        elif one is not None:
            others.append((number, one.get))
    looks = [(above, _names([name for _, name, _ in told]), [known for _, _, known in told]) for above, told in places.items()]
    numbers = [number for told in places.values() for number, _, _ in told] + [number for number, _ in others]
    return looks, [get for _, get in others], _order(numbers, len(fields))


def _holding(above: str) -> Get:
    """Return the function that gives the table in which a path's last name is looked up; what is none is odd, and is found out there."""
    steps = above.split(".") if above else []
    if all(step == "^" for step in steps):
        return attrgetter(".".join(["parent"] * len(steps) + ["value"]))
    return follower(above)


def _names(names: Sequence[str]) -> _Names:
    """Return the function that looks names up in a table."""
    if len(names) > 1:
        return itemgetter(*names)
    (name,) = names
    return lambda table: (table[name],)


def _order(numbers: Sequence[int], count: int) -> _Put:
    """Return the function that puts values into the order of the fields that they are of; behind them stands None for all others."""
    at = {number: place for place, number in enumerate(numbers)}
    places = [at.get(number, -1) for number in range(count)]
    return itemgetter(*places) if count > 1 else lambda found: (found[places[0]],)

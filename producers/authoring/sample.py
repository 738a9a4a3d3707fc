"""
A sample of a source beside the mapping: what is dropped, which paths lead nowhere, which codes and ranges are never met.

Why: a mistyped path of a field that may be null is no fault of any record: only a sample shows that nothing is read.
Must not: tell a value of the sample but codes that name nobody; of names only those that cannot be a person's number.
"""

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from producers.authoring.mistakes import near
from producers.conversions import code
from producers.declaration import Declaration, FilesSource
from producers.drift import shown
from producers.faults import FileUnreadable, SampleUnreadable, masked
from producers.pseudonym import identifier_fault, is_placeholder
from producers.readings import Reading, readings, way_to_records
from producers.records import Node, Unreachable, follower, holder, nodes_of
from producers.sources.snapshot import Named, named, pattern_of, rows_of

__all__ = ["answer_of", "dropped", "nowhere", "records_of", "unmet", "unplaced", "within"]

Finding = tuple[tuple[str, ...], str]
"""A key of the region file, and what is to be said of it."""
_PERSONS = ("household", "members.person", "nutrition.person")
_MOST_CODES = 12
_NAMES_NOBODY, _LONGEST_CODE, _SEVERAL = 3, 20, 3
"""Letters of a code that cannot be a person's name or number, letters of any code that is shown, and in how many records that must be."""
_CHANGE = {"revision": 1, "committed_at": "2024-01-01T00:00:00+00:00", "committed_on": "2024-01-01", "deleted": False}
"""What a database's log tells of a change, where a sample does not say it."""


_WANTED = {
    "rest": "an answer of the source, in JSON",
    "webhook": "one body as it is posted, in JSON",
    "postgres": "rows of the table as a JSON list, each an object of its columns, with its lists in it",
    "files": "a file of the source",
}
"""What a sample is, by kind of source."""


def _why(error: Exception) -> str:
    """Return why a sample cannot be read, in words that hold nothing of it."""
    if isinstance(error, FileUnreadable):
        return str(error.facts["cause"])
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON: line {error.lineno}, column {error.colno}" if error.doc.strip() else "is empty"
    if isinstance(error, UnicodeDecodeError):
        return "is not written in UTF-8"
    if isinstance(error, OSError):
        return str(error.strerror)
    return "is nested too deeply" if isinstance(error, RecursionError) else type(error).__name__


def records_of(declared: Declaration, sample: Path) -> list[Node]:
    """Return the records of a sample: a snapshot file, or in JSON an answer, a body or rows; raises `SampleUnreadable`."""
    try:
        if isinstance(declared.source, FilesSource):
            return list(rows_of(sample, _named(declared, declared.source, sample), declared.source))
    except (OSError, ValueError, csv.Error, FileUnreadable) as error:
        raise _unreadable(declared, sample, _why(error)) from error
    answer = answer_of(declared, sample)
    if str(declared.source.kind) == "webhook" and isinstance(answer, list):
        raise _unreadable(declared, sample, "is a list")
    nodes, unreachable = _nodes(declared, answer)
    if not nodes and unreachable:
        raise _unreadable(declared, sample, f"{unreachable[0].field} {unreachable[0].cause}")
    return nodes


def answer_of(declared: Declaration, sample: Path) -> Any:  # noqa: ANN401 - JSON
    """Return what a sample in JSON holds; raises `SampleUnreadable`."""
    try:
        return json.loads(sample.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(declared, sample, _why(error)) from error


def _unreadable(declared: Declaration, sample: Path, why: str) -> SampleUnreadable:
    return SampleUnreadable(file=sample.name, why=why, wanted=_WANTED[str(declared.source.kind)])


def _nodes(declared: Declaration, answer: Any) -> tuple[list[Node], list[Unreachable]]:  # noqa: ANN401 - JSON
    """
    Return the records in an answer, by the path to them where the source declares one.

    What pushes may send one record without that path. Of a database the sample is a row with its lists, or a list of such; `^` in a row
    is what the log tells of its change.
    """
    kind, path = str(declared.source.kind), getattr(declared.source, "records", None)
    if kind == "postgres":
        rows = answer if isinstance(answer, list) else [answer]
        odd = [Unreachable("row", "is no table of columns", Node(row)) for row in rows if not isinstance(row, dict)]
        return [] if odd else [_row(row) for row in rows], odd
    is_batch = path is not None and isinstance(answer, dict) and path.split(".")[0].removesuffix("[]") in answer
    if path is None or (kind == "webhook" and not is_batch):
        return [Node(answer)], []
    nodes, unreachable = nodes_of(answer, path)
    snapshots = getattr(getattr(declared.source, "snapshot", None), "records", None)
    return nodes_of(answer, snapshots) if unreachable and not nodes and snapshots else (nodes, unreachable)


def _row(row: Mapping[str, Any]) -> Node:
    told = row.get("^")
    around = {**_CHANGE, **(told if isinstance(told, dict) else {})}
    return Node({name: value for name, value in row.items() if name != "^"}, Node(around))


def _named(declared: Declaration, source: FilesSource, sample: Path) -> Named:
    """Return what the sample's name tells; a sample of another name stands for an invented village and month."""
    try:
        return named(pattern_of(source.file_name), sample.name)
    except FileUnreadable:
        day = datetime(2024, 1, 1, tzinfo=UTC)
        return Named(sample.name, f"{declared.regencies[0]}.01.2001", day.year * 100 + day.month, int(day.timestamp()) * 1_000_000)


# ---- what is dropped -----------------------------------------------------------------------------------------------------------


def dropped(declared: Declaration, record: Node) -> list[str]:
    """Return the fields of a record, and of what it lies in, that nothing reads."""
    used = {one.whole for one in readings(declared.mapping)}
    return sorted({shown(path) for path in _paths(declared, record, leaves=True)} - used)


def _paths(declared: Declaration, record: Node, *, leaves: bool) -> Iterator[str]:
    """
    Give the path of every value in a record and in what it lies in, apart from the way to the record.

    With `leaves` only of values that hold no others, and without the answer or file as a whole: that is nobody's to drop.
    """
    yield from within(record.value, "", leaves=leaves)
    way = way_to_records(declared)
    up, around = "^", record.parent
    while around is not None and (around.parent is not None or not leaves):
        if isinstance(around.value, Mapping):
            rest = {name: value for name, value in around.value.items() if name not in way}
            yield from within(rest, up, leaves=leaves)
        up, around = f"{up}.^", around.parent


def within(value: Any, at: str = "", *, leaves: bool = False) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Give the path of every value within a value; with `leaves` only of those that hold no others."""
    if isinstance(value, Mapping):
        if at and not leaves and not at.endswith("^"):
            yield at
        for name, one in value.items():
            yield from within(one, f"{at}.{name}" if at else str(name), leaves=leaves)
    elif isinstance(value, list):
        if not leaves:
            yield at
        for one in value:
            yield from within(one, at, leaves=leaves)
    else:
        yield at


# ---- what leads nowhere ----------------------------------------------------------------------------------------------------------


def nowhere(declared: Declaration, records: Sequence[Node]) -> Iterator[Finding]:
    """
    Give the paths that no record of a sample has, with the one that may be meant.

    A path below a part that is null in all of them is not judged: nothing is known of it.
    """
    known = sorted({path for record in records for path in _paths(declared, record, leaves=False)})
    lists = [path for path in known if any(isinstance(follower(path)(record), list) for record in records)]
    used = {one.whole for one in readings(declared.mapping)}
    for one in readings(declared.mapping):
        holds = holder(one.path)
        nodes = list(_starts(one, records))
        if nodes and not any(map(holds, nodes)):
            wants_list = one.value is None and one.place[-1] in ("each", "count")
            listed = near(one.path, lists) if wants_list else None
            meant = shown(listed) if listed else _meant(one, known, used)
            yield one.place, f"{one.path} leads nowhere in the sample" + (f": is {meant} meant?" if meant else "")


def _meant(one: Reading, known: Sequence[str], used: Collection[str]) -> str | None:
    """Return the path that is likest to one that leads nowhere, as it would be written in its place; one that nothing reads first."""
    here = {}
    for path in known:
        if one.each is None:
            here[path] = path
        elif path.startswith(f"{one.each}."):
            here[path.removeprefix(f"{one.each}.")] = path
        else:
            here[f"^.{path}"] = path
    last = one.path.rsplit(".", 1)[-1]
    same = [path for path in here if path.rsplit(".", 1)[-1] == last]
    unread = [path for path, whole in here.items() if whole not in used]
    found = next(iter(same), None) or near(one.path, unread) or near(one.path, list(here))
    return shown(found) if found else None


def _starts(one: Reading, records: Iterable[Node]) -> Iterator[Node]:
    """Give the records, or the items of their lists, from which a path starts."""
    if one.each is None:
        yield from records
        return
    items = follower(one.each)
    for record in records:
        found = items(record)
        yield from (Node(item, record) for item in found) if isinstance(found, list) else ()


# ---- what is never met -----------------------------------------------------------------------------------------------------------


def unmet(declared: Declaration, records: Sequence[Node]) -> Iterator[Finding]:
    """Give the entries of code tables that no record of a sample has, and ranges with nothing to hold."""
    for one in readings(declared.mapping):
        value, nodes = one.value, list(_starts(one, records))
        if not nodes or value is None or one.place[-1] != "path" or (value.table is None and value.range is None):
            continue
        follow = follower(one.path)
        met = Counter(code(found) for node in nodes if (found := follow(node)) is not None)
        left = [entry for entry in value.table or () if entry not in met]
        if left and met:
            others = _codes_shown({found: count for found, count in met.items() if found not in (value.table or ())})
            has = f"; it has {_listed(others)}, which the table does not have" if others else ""
            yield (*one.place[:-1], "table"), f"the sample never has {_listed(left)}{has}"
        elif not met:
            what = "table" if value.table is not None else "range"
            yield (*one.place[:-1], what), "the sample has no value here"


def _codes_shown(met: Mapping[str, int]) -> list[str]:
    """
    Return codes of a sample as they may be shown: plainly what is too short to name anybody, or is short and in several records.

    Anything else may be a name or a number that a wrong path leads to, and is shown by its shape.

    >>> _codes_shown({"LK": 1, "KONTRAK": 3, "WARGA 000001": 1, "WARGA 000002": 1})
    ['LK', 'KONTRAK', 'aaaaa 999999']
    """
    plain = [len(one) <= _NAMES_NOBODY or (len(one) <= _LONGEST_CODE and count >= _SEVERAL) for one, count in met.items()]
    return list(dict.fromkeys(shown(one) if fits else masked(one) for one, fits in zip(met, plain, strict=True)))


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(codes[:_MOST_CODES]) + (", ..." if len(codes) > _MOST_CODES else "")


def unplaced(declared: Declaration, records: Sequence[Node], areas: Collection[str]) -> Iterator[Finding]:
    """
    Give how many national identifiers of a sample begin with an area (six digits) that is none now: split, renamed, or mistyped.

    And how many people's are placeholders; a card's number that is one is a fault of its record.
    """
    for one in readings(declared.mapping):
        if one.field not in _PERSONS or one.value is None:
            continue
        follow, person = follower(one.path), one.field != "household"
        numbers = [found for node in _starts(one, records) if isinstance(found := follow(node), str)]
        numbers = [number for number in numbers if identifier_fault(number, person=person) is None]
        count = Counter(number[:6] in areas for number in numbers)
        if count[False]:
            yield one.place, f"{count[False]} of {len(numbers)} numbers begin with an area that is none now; they are taken all the same"
        if pending := sum(map(is_placeholder, numbers)):
            yield one.place, f"{pending} of {len(numbers)} numbers are placeholders (serial 9999): of these people no pseudonym is made"

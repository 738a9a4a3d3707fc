"""
The messages of pgoutput (protocol version 1), as logical decoding gives them, to changes of rows.

Why: bytes of a foreign server are read in one place, without a server, so that every message can be tried.
Must not: know a clock, IO or a driver; pass over what it does not know.

Source of the formats: PostgreSQL's documentation, "Logical Replication Message Formats". Values are text, as the server writes them.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = ["CHANGES", "Begin", "Commit", "Decoder", "LogUnreadable", "RowChange", "Truncated"]

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_BEGIN = struct.Struct(">QqI")
_COMMIT = struct.Struct(">BQQq")
_COUNT = struct.Struct(">H")
_LENGTH = struct.Struct(">I")
_NULL, _UNCHANGED, _TEXT = b"n"[0], b"u"[0], b"t"[0]
_KEY, _OLD, _NEW = b"K"[0], b"O"[0], b"N"[0]
_PASSED = frozenset(b"OYM")
"""
Origin (a change that came from a third server: it counts like any other), Type (values come as text, whatever their type is),
and Message (written by programs for programs of their own).
"""

CHANGES = frozenset(b"IUD")
"""The messages that are changes of rows."""
Row = dict[str, str | None]


class LogUnreadable(ValueError):  # noqa: N818 - it names what the log is
    """The log's bytes are not what pgoutput writes."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction begins: where it is committed, when, and its number."""

    commit_place: int
    committed_at: datetime
    transaction: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction ends: the place behind its commit."""

    end_place: int


@dataclass(slots=True)
class RowChange:
    """A row is inserted (no old), updated (both), or deleted (no new); `old` may be the key alone, or, where no key changed, missing."""

    table: str
    kind: str
    old: Row | None
    new: Row | None


@dataclass(frozen=True, slots=True)
class Truncated:
    """Tables were emptied."""

    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Relation:
    table: str
    columns: tuple[str | None, ...]
    """The columns' names in order; None for one that nobody wants."""
    old: tuple[str | None, ...]
    """The same for the row before an update, of which less is wanted."""
    count: int


Message = Begin | Commit | RowChange | Truncated | None
Read = Callable[["Decoder", bytes], Message]


class Decoder:
    """Reads the messages of one reading of the log, in order: tables are described before their first change."""

    def __init__(self, wanted: Mapping[str, frozenset[str]], wanted_before: Mapping[str, frozenset[str]]) -> None:
        """
        Take the columns wanted, by table with its schema; others are passed over, and changes of other tables give None.

        `wanted_before` are those of a row as it was before an update; large values that it did not touch come from there beside them.
        """
        self._wanted, self._before = wanted, wanted_before
        self._relations: dict[int, _Relation | None] = {}

    def read(self, message: bytes) -> Message:
        """Return what a message says; None where that is nothing. Raises `LogUnreadable`."""
        try:
            read = _READS.get(message[0])
            if read is not None:
                return read(self, message)
        except LogUnreadable:
            raise
        except (struct.error, IndexError, ValueError) as error:
            raise LogUnreadable(f"a message of kind {chr(message[0]) if message else 'nothing'} is too short") from error
        if message[0] in _PASSED:
            return None
        raise LogUnreadable(f"a message is of the unknown kind {message[:1]!r}")

    def _begin(self, message: bytes) -> Begin:
        place, at, transaction = _BEGIN.unpack_from(message, 1)
        return Begin(place, _EPOCH + timedelta(microseconds=at), transaction)

    def _commit(self, message: bytes) -> Commit:
        return Commit(_COMMIT.unpack_from(message, 1)[2])

    def _relation(self, message: bytes) -> None:
        (number,) = _LENGTH.unpack_from(message, 1)
        schema, at = _name(message, 5)
        table, at = _name(message, at)
        (count,) = _COUNT.unpack_from(message, at + 1)
        at += 3
        full = f"{schema or 'pg_catalog'}.{table}"
        wanted, before = self._wanted.get(full), self._before.get(full, frozenset())
        names: list[str | None] = []
        for _ in range(count):
            name, at = _name(message, at + 1)
            at += 8
            if at > len(message):
                raise LogUnreadable("a table's description ends behind its message")
            names.append(name if wanted and name in wanted else None)
        self._relations[number] = None
        if wanted is not None:
            old = tuple(name if name in before else None for name in names)
            self._relations[number] = _Relation(full, tuple(names), old, count)

    def _insert(self, message: bytes) -> RowChange | None:
        relation = self._known(message)
        if relation is None:
            return None
        new: Row = {}
        _tuple(relation, relation.columns, message, 6, new)
        return RowChange(relation.table, "I", None, new)

    def _update(self, message: bytes) -> RowChange | None:
        relation = self._known(message)
        if relation is None:
            return None
        old: Row | None = None
        at = 5
        before = message[at]
        if before in (_KEY, _OLD):
            old = {}
            at = _tuple(relation, relation.old, message, at + 1, old)
        if message[at] != _NEW:
            raise LogUnreadable("an update has no new row")
        new: Row = {}
        unchanged: list[str] = []
        _tuple(relation, relation.columns, message, at + 1, new, unchanged)
        if unchanged and before == _OLD:
            whole: Row = {}
            _tuple(relation, relation.columns, message, 6, whole)
            new |= {name: whole[name] for name in unchanged if name in whole}
        if old is not None and before == _KEY:
            old = _told(old)
        return RowChange(relation.table, "U", old, new)

    def _delete(self, message: bytes) -> RowChange | None:
        relation = self._known(message)
        if relation is None:
            return None
        old: Row = {}
        _tuple(relation, relation.columns, message, 6, old)
        return RowChange(relation.table, "D", _told(old) if message[5] == _KEY else old, None)

    def _truncate(self, message: bytes) -> Truncated | None:
        (count,) = _LENGTH.unpack_from(message, 1)
        numbers = struct.unpack_from(f">{count}I", message, 6)
        found = [self._relations.get(number) for number in numbers]
        tables = tuple(relation.table for relation in found if relation is not None)
        return Truncated(tables) if tables else None

    def _known(self, message: bytes) -> _Relation | None:
        (number,) = _LENGTH.unpack_from(message, 1)
        try:
            return self._relations[number]
        except KeyError:
            raise LogUnreadable("a change is of a table that was not described") from None


def _told(key: Row) -> Row:
    """Return what a key alone tells: the other columns stand in it as nulls, and are not known."""
    return {name: value for name, value in key.items() if value is not None}


def _name(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(b"\0", at)
    return message[at:end].decode("utf-8", "surrogateescape"), end + 1


def _tuple(
    relation: _Relation, columns: tuple[str | None, ...], message: bytes, at: int, row: Row, unchanged: list[str] | None = None
) -> int:
    """
    Put a row's wanted columns into `row`, from a place in a message on; return the place behind it.

    A large value that an update did not touch is not written: its column's name goes into `unchanged`.
    """
    if _COUNT.unpack_from(message, at)[0] != relation.count:
        raise LogUnreadable("a row has other columns than its table")
    at += 2
    length_at = _LENGTH.unpack_from
    plain = message.decode("latin-1") if message[at:].isascii() else None
    for name in columns:
        kind = message[at]
        if kind == _TEXT:
            begin = at + 5
            at = begin + length_at(message, at + 1)[0]
            if name is not None:
                row[name] = plain[begin:at] if plain is not None else _text(message[begin:at])
            continue
        at += 1
        if kind == _NULL:
            if name is not None:
                row[name] = None
        elif kind == _UNCHANGED:
            if name is not None and unchanged is not None:
                unchanged.append(name)
        else:
            raise LogUnreadable(f"a value is of the unknown kind {chr(kind)}")
    if at > len(message):
        raise LogUnreadable("a row ends behind its message")
    return at


def _text(value: bytes) -> str:
    """Return a value's text; what is no UTF-8, from a database without an encoding, keeps its bytes, and the mapping will say so."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("utf-8", "surrogateescape")


_READS: Mapping[int, Read] = {
    b"B"[0]: Decoder._begin,  # noqa: SLF001 - its own methods
    b"C"[0]: Decoder._commit,  # noqa: SLF001
    b"R"[0]: Decoder._relation,  # noqa: SLF001
    b"I"[0]: Decoder._insert,  # noqa: SLF001
    b"U"[0]: Decoder._update,  # noqa: SLF001
    b"D"[0]: Decoder._delete,  # noqa: SLF001
    b"T"[0]: Decoder._truncate,  # noqa: SLF001
}

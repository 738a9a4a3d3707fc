"""
Ready-made binary parameters: numpy arrays as PostgreSQL's own bytes, no Python per element.

Why: psycopg adapts lists element by element, which costs more than the merge.
Must not: be used with values that may be null, or with types whose binary form is not fixed here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection, Connection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from psycopg.types.string import ByteaBinaryLoader

__all__ = [
    "ByteaArray",
    "Int4Array",
    "Int8Array",
    "TidArray",
    "UuidArray",
    "array_rows",
    "bytea_array",
    "copy_body",
    "int4_array",
    "int8_array",
    "register",
    "tid_array",
    "uuid_array",
]

_BYTEA, _INT8, _INT4, _TID, _UUID = 17, 20, 23, 27, 2950
_ARRAY_HEAD = 20
"""Bytes before the first element of a one-dimensional array: dimensions, null flag, element type, length, lower bound."""
_COPY_HEAD, _COPY_END = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8, b"\xff\xff"


@dataclass(frozen=True, slots=True)
class _Raw:
    """Bytes that are a parameter already."""

    content: bytes


class UuidArray(_Raw):
    """A uuid[]."""


class ByteaArray(_Raw):
    """A bytea[]."""


class TidArray(_Raw):
    """A tid[]: places of rows."""


class Int8Array(_Raw):
    """A bigint[]."""


class Int4Array(_Raw):
    """An integer[]."""


class _RawDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Raw) -> Buffer:
        """Return the bytes as they are."""
        return obj.content


_ARRAYS = {UuidArray: 2951, ByteaArray: 1001, TidArray: 1010, Int8Array: 1016, Int4Array: 1007}
_DUMPERS = {kind: type(f"{kind.__name__}Dumper", (_RawDumper,), {"oid": oid}) for kind, oid in _ARRAYS.items()}


def register(connection: Connection | AsyncConnection) -> None:
    """Let a connection take these parameters, and give back uuid[], tid[] and integer[] as raw bytes (see `array_rows`)."""
    for kind, dumper in _DUMPERS.items():
        connection.adapters.register_dumper(kind, dumper)
    for oid in (2951, 1010, 1007):
        connection.adapters.register_loader(oid, ByteaBinaryLoader)


def _head(element: int, count: int) -> bytes:
    fields = [1, 0, element, count, 1] if count else [0, 0, element]
    return np.array(fields, ">i4").tobytes()


def _fixed(rows: NDArray[np.generic], width: int, element: int) -> bytes:
    """Return an array parameter of elements of `width` bytes; `rows` is contiguous and big-endian, `width` bytes per element."""
    content = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), width)
    out = np.empty((len(rows), width + 4), np.uint8)
    out[:, :4] = (0, 0, 0, width)
    out[:, 4:] = content
    return _head(element, len(rows)) + out.tobytes()


def uuid_array(halves: NDArray[np.uint64]) -> UuidArray:
    """Return households, given as (n, 2) halves, as uuid[]."""
    return UuidArray(_fixed(halves.astype(">u8"), 16, _UUID))


def tid_array(places: NDArray[np.uint8]) -> TidArray:
    """Return places of rows, (n, 6) bytes, as tid[]."""
    return TidArray(_fixed(places, 6, _TID))


def int8_array(values: NDArray[np.int64]) -> Int8Array:
    """Return whole numbers (n,) as bigint[]."""
    return Int8Array(_fixed(values.astype(">i8"), 8, _INT8))


def int4_array(values: NDArray[np.int64]) -> Int4Array:
    """Return whole numbers (n,) as integer[]; raises `OverflowError` where one does not fit."""
    if len(values) and (int(values.min()) < -(1 << 31) or int(values.max()) >= 1 << 31):
        raise OverflowError(int(np.abs(values).max()))
    return Int4Array(_fixed(values.astype(">i4"), 4, _INT4))


def _grouped(rows: NDArray[np.void], counts: NDArray[np.int64], before: NDArray[np.uint8]) -> bytes:
    """Return groups of packed rows end to end, each behind its own prefix: `counts` (groups,), `before` (groups, prefix bytes)."""
    width, prefix = rows.dtype.itemsize, before.shape[1]
    out = np.empty((len(rows), prefix + width), np.uint8)
    keep = np.zeros((len(rows), prefix + width), bool)
    out[:, prefix:] = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), width)
    keep[:, prefix:] = True
    first = np.cumsum(counts) - counts
    out[first, :prefix] = before
    keep[first, :prefix] = True
    return out[keep].tobytes()


def _lengths(rows: NDArray[np.void], counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    return (counts * rows.dtype.itemsize).astype(">i4").view(np.uint8).reshape(-1, 4)


def bytea_array(rows: NDArray[np.void], counts: NDArray[np.int64]) -> ByteaArray:
    """Return groups of packed rows as bytea[]: one element per group, `counts` (groups,) rows each, none empty."""
    return ByteaArray(_head(_BYTEA, len(counts)) + _grouped(rows, counts, _lengths(rows, counts)))


def copy_body(halves: NDArray[np.uint64], rows: NDArray[np.void], counts: NDArray[np.int64]) -> bytes:
    """Return the body of COPY BINARY for rows (uuid, bytea): one per household, `counts` packed rows in each."""
    before = np.empty((len(counts), 26), np.uint8)
    before[:, :6] = (0, 2, 0, 0, 0, 16)
    before[:, 6:22] = np.ascontiguousarray(halves.astype(">u8")).view(np.uint8).reshape(-1, 16)
    before[:, 22:] = _lengths(rows, counts)
    return _COPY_HEAD + _grouped(rows, counts, before) + _COPY_END


def array_rows(parameter: bytes, width: int) -> NDArray[np.uint8]:
    """Return the elements of an array that the server sent, none null, each `width` bytes: (n, width)."""
    if len(parameter) <= _ARRAY_HEAD:
        return np.empty((0, width), np.uint8)
    return np.frombuffer(parameter, np.uint8, offset=_ARRAY_HEAD).reshape(-1, width + 4)[:, 4:]

"""
Avro in Confluent framing, on bare fastavro: V0 and V1 read, V0 written, the writer's schema by its id.

Why: Confluent's own serializers walk the schema for every message and cost three times as much; a test holds both equal.
Must not: fetch a schema itself: it is given a `WriterSchemas` (schemas/registry.py has the one that asks a registry).
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, Protocol
from uuid import UUID

import fastavro
from fastavro.types import AvroMessage

from schemas.errors import Rejected
from schemas.events import to_record

__all__ = [
    "FRAME",
    "SCHEMA_ID_HEADER",
    "Headers",
    "NotTheContract",
    "UnknownSchema",
    "WriterSchemas",
    "decode",
    "encode",
    "encode_record",
    "parsed",
    "schema_text",
    "split_frame",
]

FRAME = 5
"""Bytes before the Avro body in framing V0: a zero and the schema's id, four bytes big-endian."""
SCHEMA_ID_HEADER = "__value_schema_id"
Headers = Iterable[tuple[str, bytes]]


class NotTheContract(Rejected):
    """the bytes are not a framed Avro record of the contract ({why}): send it in Confluent framing with a registered schema"""


class UnknownSchema(Rejected):
    """schema {schema} is not known to the registry: register the schema before sending"""


class WriterSchemas(Protocol):
    """Where the schema that a record was written with is found."""

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Return the parsed schema of an id; raise `UnknownSchema` for good, or a `Retriable` while the registry is away."""

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Return the parsed schema of a GUID (framing V1), with the same errors."""


@cache
def schema_text(name: str) -> str:
    """Return the text of a schema of the contract, such as `HouseholdChanged`."""
    return (files("schemas") / "avro" / f"{name}.avsc").read_text(encoding="utf-8")


@cache
def parsed(name: str) -> dict[str, Any]:
    """Return a schema of the contract, parsed once for fastavro."""
    schema = fastavro.parse_schema(json.loads(schema_text(name)))
    if not isinstance(schema, dict):
        raise NotTheContract(why=f"{name} is not a record")
    return schema


def encode(event: object, schema_id: int) -> bytes:
    """Return an event in framing V0: a zero byte, the schema's id, the Avro body."""
    return encode_record(type(event).__name__, to_record(event), schema_id)


def encode_record(name: str, record: Mapping[str, Any], schema_id: int) -> bytes:
    """Return a record of the contract's schema `name`, as `decode` gives it, in framing V0; the same record gives the same bytes."""
    out = BytesIO()
    out.write(b"\0" + schema_id.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, parsed(name), record)
    return out.getvalue()


def split_frame(value: bytes, headers: Headers) -> tuple[int | UUID, int]:
    """
    Return the writer's schema (an id, or a GUID in framing V1) and where the Avro body begins.

    The header is read first and then the prefix, as Confluent's clients do. Raises `NotTheContract`.
    """
    for name, content in headers:
        if name == SCHEMA_ID_HEADER:
            if not content or len(content) != 17 or content[0] != 1:
                raise NotTheContract(why="the schema header is not a GUID in framing V1")
            return UUID(bytes=bytes(content[1:])), 0
    if len(value) < FRAME or value[0] != 0:
        raise NotTheContract(why="no framing")
    return int.from_bytes(value[1:FRAME], "big"), FRAME


def decode(name: str, value: bytes, headers: Headers, schemas: WriterSchemas) -> dict[str, Any]:
    """
    Return a record of the contract's schema `name`, read with its writer's schema and resolved to ours.

    Raises `NotTheContract` for bytes that are no such record, `UnknownSchema` for an id that the registry does not know.
    """
    schema, begin = split_frame(value, headers)
    writer = schemas.by_guid(schema) if isinstance(schema, UUID) else schemas.by_id(schema)
    return read_body(value[begin:], writer, parsed(name))


def read_body(body: bytes, writer: dict[str, Any], reader: dict[str, Any]) -> dict[str, Any]:
    """Return one Avro body as a record of the reader's schema; raise `NotTheContract` where it is none, or where bytes are left over."""
    source = BytesIO(body)
    try:
        record: AvroMessage = fastavro.schemaless_reader(source, writer, None if writer == reader else reader)
    except Exception as error:
        # Why all of them: fastavro raises whatever the bytes made it stumble over.
        raise NotTheContract(why=f"{type(error).__name__} while reading it") from error
    if not isinstance(record, dict) or source.tell() != len(body):
        raise NotTheContract(why="it does not end where the record ends")
    return record

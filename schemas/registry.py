"""
The schema registry, asked once per schema through Confluent's client and then remembered.

Why: once ids are cached, adapters and workers go on without the registry.
Must not: decide what a compatible change is (schemas/compatibility.py), nor hide a registry that is away.
"""

import json
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import fastavro
import httpx2
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.addresses import settings_of
from schemas.codec import NotTheContract, UnknownSchema, schema_text
from schemas.errors import Fatal, Rejected, Retriable
from schemas.topics import subject_of

__all__ = ["Registry", "RegistryAway", "RegistryRefusesUs", "SchemaRefused"]

_NO_SCHEMA, _NO_SUBJECT = 40403, 40401
"""What a registry says of an id or a subject that it does not have. A bare 404 is no registry at all: a wrong address, a proxy."""
_NOT_FOUND, _REFUSED, _NOT_LET_IN = 404, (409, 422), (401, 403)
_USERINFO = re.compile(r"//[^/?#]*@")
_UNKNOWN_S = 5.0
"""How long `unknown` is believed: a writer registers and sends at once, and a replica of the registry may lag a second behind."""
_REMEMBERED = 1_000
"""Schemas, and answers that there is none, kept at once: many times what regions write with; random ids must not fill the memory."""
_AWAY = (httpx2.HTTPError, OSError, ValueError)
"""What Confluent's client lets through: no connection, no answer in time, an answer that is not JSON."""


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class RegistryAway(Retriable):
    """the schema registry at {address} does not answer ({why})"""


class RegistryRefusesUs(RegistryAway):
    """the schema registry at {address} does not let us in ({why}): check schema.registry.basic.auth.user.info in the file of MUARA_KAFKA_SETTINGS, it is read again"""  # noqa: E501


class SchemaRefused(Fatal):
    """the schema registry refuses {subject} ({why}): see muara schema check"""


class Registry:
    """A Confluent-compatible registry: schemas by id and GUID, ids by subject, cached; that there is none is soon forgotten."""

    def __init__(self, address: str, *, unknown_s: float = _UNKNOWN_S, clock: Callable[[], float] = time.monotonic) -> None:
        """Know where the registry is; nothing is asked yet. What it does not have is asked for again after `unknown_s` seconds."""
        self.address = _USERINFO.sub("//", address, count=1)
        self._unknown_s, self._clock = unknown_s, clock
        self._client = SchemaRegistryClient({**settings_of(address), "url": str(address), "timeout": 10, "max.retries": 1})
        self._schemas: dict[int | UUID, dict[str, Any]] = {}
        self._rejected: dict[int | UUID, tuple[Rejected, float]] = {}
        self._ids: dict[tuple[str, str], int] = {}

    def close(self) -> None:
        """Close the connections to the registry; what is cached stays."""
        self._client.close()

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Return the parsed schema of an id; see `schemas.codec.WriterSchemas`."""
        return self._schema(schema_id, lambda: self._client.get_schema(schema_id))

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Return the parsed schema of a GUID; see `schemas.codec.WriterSchemas`. A registry without GUIDs knows none."""
        return self._schema(guid, lambda: self._client.get_schema_by_guid(str(guid)))

    def subjects(self) -> list[str]:
        """Return all subjects of the registry; raises `RegistryAway`."""
        try:
            return sorted(self._ask(self._client.get_subjects))
        except SchemaRegistryError as error:
            raise self._answered(error) from error

    def versions(self, subject: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the versions registered for a subject and their schemas as JSON, oldest first; raises `RegistryAway`."""
        try:
            numbers = self._ask(lambda: self._client.get_versions(subject))
        except SchemaRegistryError as error:
            if error.error_code == _NO_SUBJECT:
                return []
            raise self._answered(error) from error
        found = [self._ask(partial(self._client.get_version, subject, number)) for number in sorted(numbers)]
        return [(one.version, json.loads(one.schema.schema_str)) for one in found]

    def register(self, topic: str, name: str) -> int:
        """
        Register a schema of the contract for the values of a topic, FULL_TRANSITIVE, and return its id.

        Raises `SchemaRefused` where the registry finds it incompatible, `RegistryAway` where it does not answer.
        """
        subject = subject_of(topic)
        if (subject, name) not in self._ids:
            try:
                made = self._ask(lambda: self._client.register_schema(subject, Schema(schema_text(name), "AVRO")))
                self._ask(lambda: self._client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.FULL_TRANSITIVE)))
            except SchemaRegistryError as error:
                if error.http_status_code in _REFUSED:
                    raise SchemaRefused(subject=subject, why=error.error_message) from error
                raise self._answered(error) from error
            self._ids[subject, name] = made
        return self._ids[subject, name]

    def _schema(self, schema: int | UUID, ask: Callable[[], Any]) -> dict[str, Any]:
        if schema in self._schemas:
            return self._schemas[schema]
        known, since = self._rejected.get(schema, (None, 0.0))
        if known is not None and self._clock() - since < self._unknown_s:
            raise type(known)(**known.facts)
        try:
            found = _parsed(schema, self._ask(ask))
        except SchemaRegistryError as error:
            if error.error_code != _NO_SCHEMA and not (isinstance(schema, UUID) and error.http_status_code == _NOT_FOUND):
                raise self._answered(error) from error
            unknown = UnknownSchema(schema=schema)
            _remember(self._rejected, schema, (unknown, self._clock()))
            raise unknown from error
        except Rejected as error:
            _remember(self._rejected, schema, (error, self._clock()))
            raise
        _remember(self._schemas, schema, found)
        return found

    def _ask(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the untyped client answers
        """Return what the registry answers; raises `RegistryAway`, or the client's own error where the registry says no."""
        try:
            return call()
        except SchemaRegistryError:
            raise
        except _AWAY as error:
            raise self._away(type(error).__name__) from error

    def _answered(self, error: SchemaRegistryError) -> RegistryAway:
        why = f"HTTP {error.http_status_code}"
        return (RegistryRefusesUs if error.http_status_code in _NOT_LET_IN else RegistryAway)(address=self.address, why=why)

    def _away(self, why: str) -> RegistryAway:
        return RegistryAway(address=self.address, why=why)


def _remember(kept: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep a value as the newest; the oldest goes where there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _REMEMBERED:
        del kept[next(iter(kept))]


def _parsed(schema: int | UUID, found: Schema) -> dict[str, Any]:
    """Return a registered schema parsed for fastavro; raise `NotTheContract` where it is of another format or asks for others."""
    try:
        done = fastavro.parse_schema(json.loads(found.schema_str or ""))
    except Exception as error:
        # Why all of them: fastavro raises whatever a schema of another format made it stumble over.
        raise NotTheContract(why=f"schema {schema} is not Avro that stands by itself") from error
    return done if isinstance(done, dict) else {"type": done}

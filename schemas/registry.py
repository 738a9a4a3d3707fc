"""
The schema registry, asked once per schema through Confluent's client and then remembered.

Why: once ids are cached, adapters and workers go on without the registry.
Must not: decide what a compatible change is (schemas/compatibility.py), nor hide a registry that is away.
"""

import json
from typing import Any
from uuid import UUID

import fastavro
import httpx2
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.codec import UnknownSchema, schema_text
from schemas.errors import Fatal, Retriable
from schemas.topics import subject_of

__all__ = ["Registry", "RegistryAway", "SchemaRefused"]

_NOT_FOUND = 404
_REFUSED = (409, 422)
_AWAY = (httpx2.HTTPError, OSError)


class RegistryAway(Retriable):
    """the schema registry at {address} does not answer ({why}): what is cached goes on, the rest waits for it"""


class SchemaRefused(Fatal):
    """the schema registry refuses {subject} ({why}): see muara schema check"""


class Registry:
    """A Confluent-compatible registry: schemas by id and GUID, ids by subject, all cached for the life of the process."""

    def __init__(self, address: str) -> None:
        """Know where the registry is; nothing is asked yet."""
        self.address = address
        self._client = SchemaRegistryClient({"url": address, "timeout": 10, "max.retries": 1})
        self._by_id: dict[int | UUID, dict[str, Any]] = {}
        self._unknown: set[int | UUID] = set()
        self._ids: dict[tuple[str, str], int] = {}

    def close(self) -> None:
        """Close the connections to the registry; what is cached stays."""
        self._client.close()

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Return the parsed schema of an id; see `schemas.codec.WriterSchemas`."""
        if schema_id not in self._by_id:
            self._remember(schema_id, lambda: self._client.get_schema(schema_id))
        return self._by_id[schema_id]

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Return the parsed schema of a GUID; see `schemas.codec.WriterSchemas`."""
        if guid not in self._by_id:
            self._remember(guid, lambda: self._client.get_schema_by_guid(str(guid)))
        return self._by_id[guid]

    def register(self, topic: str, name: str) -> int:
        """
        Register a schema of the contract for the values of a topic, FULL_TRANSITIVE, and return its id.

        Raises `SchemaRefused` where the registry finds it incompatible, `RegistryAway` where it does not answer.
        """
        subject = subject_of(topic)
        if (subject, name) not in self._ids:
            try:
                self._ids[subject, name] = self._client.register_schema(subject, Schema(schema_text(name), "AVRO"))
                self._client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.FULL_TRANSITIVE))
            except SchemaRegistryError as error:
                if error.http_status_code in _REFUSED:
                    raise SchemaRefused(subject=subject, why=error.error_message) from error
                raise RegistryAway(address=self.address, why=f"HTTP {error.http_status_code}") from error
            except _AWAY as error:
                raise RegistryAway(address=self.address, why=type(error).__name__) from error
        return self._ids[subject, name]

    def _remember(self, schema: int | UUID, ask: Any) -> None:  # noqa: ANN401 - a call of the untyped client
        if schema in self._unknown:
            raise UnknownSchema(schema=schema)
        try:
            found = ask()
        except SchemaRegistryError as error:
            if error.http_status_code == _NOT_FOUND:
                self._unknown.add(schema)
                raise UnknownSchema(schema=schema) from error
            raise RegistryAway(address=self.address, why=f"HTTP {error.http_status_code}") from error
        except _AWAY as error:
            raise RegistryAway(address=self.address, why=type(error).__name__) from error
        self._by_id[schema] = _parse(json.loads(found.schema_str))


def _parse(schema: dict[str, Any]) -> dict[str, Any]:
    done = fastavro.parse_schema(schema)
    return done if isinstance(done, dict) else {"type": done}

"""Bad input through Kafka to `rejected`: cause, field and coordinates, never the value; everything around it is merged."""

import json
import struct
from collections.abc import Callable
from contextlib import closing
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from deploy.embedded import EmbeddedServices
from schemas.codec import encode, schema_text
from schemas.events import HouseholdChanged, Programme
from schemas.topics import household_topic
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.integration.workers import working

NIK, NAME, NAME_LIKE_A_CODE, YEAR = "9901014101900001", "WARGA 000123", "warga_contoh", "1958"
BIRTHDAY = date(2145, 8, 17)
FAR_FUTURE = date(9999, 12, 31)


class Bad:
    """Makes faulty records of the first regency of a stage."""

    def __init__(self, stage: Stage) -> None:
        """Register, beside ours, a schema with a field more, one of another record, and one that is no Avro."""
        self.regency, self.other = stage.regencies
        self.id = stage.schema_id()
        wider: dict[str, Any] = json.loads(schema_text("HouseholdChanged"))
        wider["fields"].append({"name": "remark", "type": ["null", "string"], "default": None})
        with closing(SchemaRegistryClient({"url": stage.registry})) as registry:
            self.wider = registry.register_schema(f"{stage.group}-wider", Schema(json.dumps(wider), "AVRO"))
            self.foreign = registry.register_schema(f"{stage.group}-foreign", Schema(schema_text("EventRejected"), "AVRO"))
            self.text = registry.register_schema(f"{stage.group}-text", Schema('"string"', "AVRO"))
            self.no_avro = registry.register_schema(f"{stage.group}-proto", Schema('syntax = "proto3"; message Other {}', "PROTOBUF"))

    def event(self, **more: Any) -> HouseholdChanged:
        """Return a change that is in order but for what is named."""
        said = {"village": f"{self.regency}.01.1001", "size": 3, "expenditure": 900_000, **more}
        return changed(household_key("bad"), said.pop("region", self.regency), said.pop("source", "carik"), **said)

    def said(self, **more: Any) -> tuple[bytes | None, bytes | None]:
        """Return such a change as key and value."""
        event = self.event(**more)
        return event.household, encode(event, self.id)

    def framed(self, schema_id: int, body: bytes | None = None) -> tuple[bytes | None, bytes | None]:
        """Return a record with the id of a schema that need not be its own."""
        key, value = self.said()
        return key, b"\0" + struct.pack(">I", schema_id) + ((value or b"")[5:] if body is None else body)


Maker = Callable[[Bad], tuple[bytes | None, bytes | None]]


def saying(field: str, value: str) -> Maker:
    """Return a maker of a change that says a value of a field."""
    return lambda bad: bad.said(**{field: value})


SECRETS = (NIK, NAME, NAME_LIKE_A_CODE, BIRTHDAY.isoformat(), FAR_FUTURE.isoformat(), household_key("bad").hex())
TABLE: list[tuple[str, str, Maker]] = [
    ("not_the_contract", "", lambda _: (household_key("bad"), b"\1\2\3")),
    ("not_the_contract", "", lambda _: (household_key("bad"), None)),
    ("not_the_contract", "", lambda _: (household_key("bad"), b"")),
    ("not_the_contract", "", lambda bad: (household_key("bad"), (bad.said()[1] or b"")[:-1])),
    ("not_the_contract", "", lambda bad: (household_key("bad"), (bad.said()[1] or b"") + b"\0")),
    ("not_the_contract", "", lambda bad: bad.framed(bad.foreign)),
    ("not_the_contract", "", lambda bad: bad.framed(bad.text, b"\x06abc")),
    ("not_the_contract", "", lambda bad: bad.framed(bad.no_avro)),
    ("unknown_schema", "", lambda bad: bad.framed(999_999)),
    ("unknown_schema", "", lambda bad: bad.framed(0)),
    ("unknown_schema", "", lambda bad: bad.framed(2**31)),
    ("unknown_schema", "", lambda bad: bad.framed(2**32 - 1)),
    ("key_is_not_the_household", "household", lambda bad: (household_key("another"), bad.said()[1])),
    ("key_is_not_the_household", "household", lambda bad: (None, bad.said()[1])),
    ("region_is_not_the_topics", "region", lambda bad: bad.said(region=bad.other)),
    ("source_not_registered", "source", lambda bad: bad.said(source=NAME)),
    ("source_not_registered", "source", lambda bad: bad.said(source=NAME_LIKE_A_CODE)),
    ("source_not_registered", "source", lambda bad: bad.said(source="nobody")),
    ("date_beyond_arrival", "valid_from", lambda bad: bad.said(valid_from=FAR_FUTURE)),
    ("date_beyond_arrival", "valid_from", lambda bad: bad.said(valid_from=BIRTHDAY)),
    ("date_before_registers", "valid_from", lambda bad: bad.said(valid_from=date(1899, 12, 31))),
    ("number_out_of_range", "mapping_version", lambda bad: bad.said(mapping_version=2**40)),
    *(("village_unknown", "residence.village", saying("village", one)) for one in (NAME, NAME_LIKE_A_CODE, YEAR)),
    ("village_unknown", "residence.village", lambda bad: bad.said(village=f"{bad.regency}.01.9999")),
    ("village_outside_regency", "residence.village", lambda bad: bad.said(village=f"{bad.other}.01.1001")),
    ("size_beyond_reason", "composition.size", lambda bad: bad.said(size=0)),
    ("size_beyond_reason", "composition.size", lambda bad: bad.said(size=101)),
    ("expenditure_beyond_reason", "welfare.expenditure", lambda bad: bad.said(expenditure=-1)),
    ("expenditure_beyond_reason", "welfare.expenditure", lambda bad: bad.said(expenditure=int(NIK))),
    ("national_identifier_in_text", "source", lambda bad: bad.said(source=NIK)),
    ("national_identifier_in_text", "residence.village", lambda bad: bad.said(village=f"DESA {NIK}")),
    ("national_identifier_in_text", "programmes[].programme", lambda bad: bad.said(programmes=(Programme(NIK, None, None),))),
]


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Two regencies."""
    return Stage.set(services, 2)


def test_bad_input_is_rejected_and_all_around_it_is_merged(stage: Stage) -> None:
    """Each row of the table lands in `rejected` at its offset; good records before, between and after it count."""
    bad, producer = Bad(stage), stage.producer()
    topic = household_topic(bad.regency)
    values = []
    with working(stage) as workers:
        for number, (_, _, make) in enumerate(TABLE):
            stage.send([changed(household_key(number), bad.regency, village=f"{bad.regency}.01.2001", size=2, expenditure=5)], producer)
            key, value = make(bad)
            producer.produce(topic, value, key)
            assert producer.flush(20) == 0
            values.append(value)
        stage.send([changed(household_key("last"), bad.other, village=f"{bad.other}.01.2001", size=2)], producer)
        stage.drained()
        assert workers.exits() == []
        told = workers.told()

    with stage.connect() as connection:
        rows = connection.execute(
            "select topic, partition, record_offset, cause, field, digest, message, arrived_at from rejected order by record_offset"
        ).fetchall()
    expected = [
        (topic, 0, 2 * number + 1, cause, field, sha256(values[number] or b"").digest()) for number, (cause, field, _) in enumerate(TABLE)
    ]
    assert expected == [row[:6] for row in rows]
    for *_, message, arrived in rows:
        assert arrived is not None
        assert all(secret not in message and secret not in told for secret in SECRETS)
        assert YEAR not in message  # four digits may stand in a log line by chance
    stage.assert_exact()


def test_other_writers_and_headers_are_read(stage: Stage) -> None:
    """A writer's schema with a field more, and headers of others, are no faults; a GUID that the registry does not know is one."""
    bad, producer = Bad(stage), stage.producer()
    topic = household_topic(bad.regency)
    before = rejected(stage)
    with working(stage):
        ways: list[tuple[int, dict[str, str | bytes | None]]] = [(bad.wider, {}), (bad.id, {"trace": b"1"})]
        for number, (schema_id, headers) in enumerate(ways):
            event = bad.event(revision=5, valid_from=date(2020, 3 + number, 1), size=1 + number)
            stage.remember(event)
            value = encode(event, schema_id) + b"\0" * (schema_id == bad.wider)
            producer.produce(topic, value, event.household, headers=headers)
        key, value = bad.said()[0], bad.said()[1] or b""
        producer.produce(topic, value[5:], key, headers=[("__value_schema_id", b"\1" + UUID(int=5).bytes)])
        assert producer.flush(20) == 0
        stage.drained()

    assert rejected(stage) == [*before, "unknown_schema"]
    stage.assert_exact()


def rejected(stage: Stage) -> list[str]:
    """Return the causes of what was rejected, in order."""
    with stage.connect() as connection:
        return [cause for (cause,) in connection.execute("select cause from rejected order by id").fetchall()]

"""What is written is read again; what is not the contract is rejected and nothing worse."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import FRAME, SCHEMA_ID_HEADER, NotTheContract, UnknownSchema, decode, encode, parsed, schema_text, split_frame
from schemas.compatibility import CONTRACT
from schemas.events import HouseholdChanged, Operation, Residence, to_record
from tests.schemas.events import EVENTS, HOUSEHOLDS, Known

GUID = UUID("00112233-4455-6677-8899-aabbccddeeff")
HEADER = (SCHEMA_ID_HEADER, b"\x01" + GUID.bytes)
EVENT = HouseholdChanged(
    household=bytes(range(16)),
    key_version=1,
    region="99.01",
    source="alpha",
    valid_from=date(2024, 3, 1),
    revision=7,
    mapping_version=1,
    operation=Operation.UPSERT,
    recorded_at=datetime(2024, 3, 2, 4, 5, 6, 7, UTC),
    residence=Residence("99.01.01.1001"),
)
SCHEMAS = Known({number: parsed(name) for number, name in enumerate(CONTRACT, 1)}, {GUID: parsed("HouseholdChanged")})
HOUSEHOLD = CONTRACT.index("HouseholdChanged") + 1


def read(value: bytes, *headers: tuple[str, bytes]) -> dict[str, Any]:
    """Return a household's change as it is read with the schemas above."""
    return decode("HouseholdChanged", value, headers, SCHEMAS)


@given(EVENTS)
def test_what_is_written_is_read_again(event: object) -> None:
    """An event comes back field for field, each of the contract's records."""
    name = type(event).__name__
    value = encode(event, CONTRACT.index(name) + 1)

    assert value[:FRAME] == bytes([0, 0, 0, 0, CONTRACT.index(name) + 1])
    assert decode(name, value, (), SCHEMAS) == to_record(event)


@given(HOUSEHOLDS)
def test_both_framings_say_the_same(event: HouseholdChanged) -> None:
    """An event in framing V1 (a GUID in the header, the bare body as value) is the same as in V0."""
    value = encode(event, HOUSEHOLD)

    assert read(value[FRAME:], ("trace", b"x"), HEADER) == read(value) == to_record(event)


def test_the_frame_is_read_from_the_header_first() -> None:
    """A header of framing V1 decides, even where the value begins like V0; any other header does not."""
    assert split_frame(b"\0\0\0\0\7abc", [("other", b"\x01" + GUID.bytes)]) == (7, FRAME)
    assert split_frame(b"\0\0\0\0\7abc", [HEADER]) == (GUID, 0)
    assert split_frame(b"\0\xff\xff\xff\xff", []) == (2**32 - 1, FRAME)


@pytest.mark.parametrize("content", [b"", None, b"\x01", b"\x00" + GUID.bytes, b"\x02" + GUID.bytes, b"\x01" + GUID.bytes + b"\0"])
def test_a_header_that_is_no_guid_is_rejected(content: Any) -> None:
    """The schema header may be empty, null or of another length or version: the record is not the contract."""
    with pytest.raises(NotTheContract, match=r"\(the schema header is not a GUID in framing V1\): send it in Confluent framing"):
        read(encode(EVENT, HOUSEHOLD), (SCHEMA_ID_HEADER, content))


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\0\0\0", b'{"household": 1}', b"\1\0\0\0\2"])
def test_bytes_without_framing_are_rejected(value: bytes) -> None:
    """Nothing, too little, JSON, another magic byte: no framing."""
    with pytest.raises(NotTheContract, match="no framing"):
        read(value)


def test_a_schema_that_nobody_knows_is_rejected() -> None:
    """An unknown id or GUID is told by its number, whatever the body is."""
    with pytest.raises(UnknownSchema, match=r"schema 99 is not known to the registry: register the schema before sending"):
        read(encode(EVENT, 99))
    with pytest.raises(UnknownSchema, match=str(UUID(int=5))):
        read(b"", (SCHEMA_ID_HEADER, b"\x01" + UUID(int=5).bytes))


def test_every_cut_and_every_addition_is_rejected() -> None:
    """A record must end where its bytes end: no prefix of an event is an event, nor an event with more behind it."""
    value = encode(EVENT, HOUSEHOLD)
    for end in range(FRAME, len(value)):
        with pytest.raises(NotTheContract):
            read(value[:end])
    with pytest.raises(NotTheContract, match="it does not end where the record ends"):
        read(value + b"\0")


@given(st.binary(max_size=200), st.integers(0, 80), st.integers(0, 255))
def test_no_bytes_do_worse_than_being_rejected(noise: bytes, at: int, byte: int) -> None:
    """Random bodies, and an event with one byte changed, are read or rejected as not the contract; nothing else is raised."""
    value = bytearray(encode(EVENT, HOUSEHOLD))
    value[FRAME + at % (len(value) - FRAME)] = byte
    for body in (noise, bytes(value[FRAME:])):
        try:
            record = read(b"\0" + HOUSEHOLD.to_bytes(4, "big") + body)
        except NotTheContract:
            continue
        assert record.keys() == to_record(EVENT).keys()


def test_a_length_beyond_the_record_is_rejected_without_taking_its_memory() -> None:
    """A text that claims four exabytes is not waited for, nor is an array of as many members."""
    start = encode(replace(EVENT, residence=None), HOUSEHOLD)[: FRAME + 16 + 1]
    huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"
    for body in (start + huge, encode(replace(EVENT, members=()), HOUSEHOLD)[:-3] + huge):
        with pytest.raises(NotTheContract):
            read(body)


def test_a_reason_never_holds_the_value() -> None:
    """What is said of unreadable bytes names the kind of fault, not what was in them."""
    secret = "KELUARGA RAHASIA"
    writer: dict[str, Any] = {"type": "record", "name": "Other", "fields": [{"name": "name", "type": "string"}]}
    out = BytesIO()
    fastavro.schemaless_writer(out, writer, {"name": secret})

    with pytest.raises(NotTheContract) as caught:
        decode("HouseholdChanged", b"\0\0\0\0\1" + out.getvalue(), (), Known({1: writer}))
    assert secret not in str(caught.value)
    assert caught.value.facts.keys() == {"why"}


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema.update(fields=[one for one in schema["fields"] if one["name"] != name])


def _with_more(schema: dict[str, Any]) -> None:
    schema["fields"] = [*schema["fields"], {"name": "later", "type": ["null", "string"], "default": None}]


@pytest.mark.parametrize(
    ("change", "more"), [(_without("nutrition"), {}), (_without("dwelling"), {}), (_with_more, {"later": "what we do not know yet"})]
)
def test_other_versions_are_read_as_ours(change: Callable[[dict[str, Any]], None], more: dict[str, str]) -> None:
    """A writer of a version with fewer sections, or with fields of a later one, is read into our fields; what it lacks is null."""
    writer: dict[str, Any] = json.loads(schema_text("HouseholdChanged"))
    change(writer)
    out = BytesIO()
    fastavro.schemaless_writer(out, writer, to_record(EVENT) | more)

    assert decode("HouseholdChanged", b"\0\0\0\0\1" + out.getvalue(), (), Known({1: writer})) == to_record(EVENT)


@pytest.mark.parametrize("writer", ["EventRejected", "IndicatorPublished"])
def test_another_record_of_the_contract_is_not_this_one(writer: str) -> None:
    """A dead letter in a topic of households is rejected, though its schema is ours."""
    record = {one["name"]: _some(one["type"]) for one in parsed(writer)["fields"]}
    out = BytesIO()
    fastavro.schemaless_writer(out, parsed(writer), record)

    with pytest.raises(NotTheContract):
        decode("HouseholdChanged", b"\0\0\0\0\1" + out.getvalue(), (), Known({1: parsed(writer)}))


def _some(kind: Any) -> Any:
    return {"string": "", "boolean": False}.get(kind, 0) if isinstance(kind, str) else None if isinstance(kind, list) else 0

"""
Records good and faulty, each made by a named function: what regions send, and everything that goes wrong with it.

Why: the worker's reading is held against the definition on all of them, alone and mixed.
Must not: say what becomes of a record.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
from hypothesis import strategies as st

from schemas.codec import UnknownSchema, encode, parsed
from schemas.events import HouseholdChanged, Member, Operation, Programme, WelfareBasis, to_record
from tests.integration.events import changed, household_key
from tests.processors.record_batches import Sent
from tests.worlds import REFERENCE, SMALL_VILLAGES

__all__ = ["FAULTS", "MAKERS", "NIK", "REGENCIES", "SCHEMAS", "Schemas", "a_good", "sent", "written"]

OURS, WIDER, FOREIGN, LESSER, UNDATED, TIMED, ENDLESS, BEFORE = 7, 8, 9, 10, 11, 12, 13, 14
GUID = UUID(int=99)
REGENCIES = ("91.01", "91.02", "92.01")
DAY = date(2023, 5, 1)
NIK = "9901014101900001"


def with_fields(*more: dict[str, Any], without: Sequence[str] = ()) -> dict[str, Any]:
    """Return the contract's schema with more fields at its end and without some of its own, as another version would have it."""
    schema = parsed("HouseholdChanged")
    fields = [one for one in schema["fields"] if one["name"] not in without]
    return {**schema, "fields": [*fields, *more]}


def with_type(name: str, kind: Any) -> dict[str, Any]:
    """Return the contract's schema with another type of one field, as a foreign client would register it."""
    schema = parsed("HouseholdChanged")
    fields = [{**one, "type": kind} if one["name"] == name else one for one in schema["fields"]]
    return {**schema, "fields": fields}


def _parsed_anew(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with all its names known, as one that comes from a registry."""
    anew: dict[str, Any] = fastavro.parse_schema({name: value for name, value in schema.items() if not name.startswith("__")})  # type: ignore[assignment]  # a record
    return anew


_ELDER = {"type": "record", "name": "Elder", "fields": [{"name": "elder", "type": ["null", "Elder"]}]}


class Schemas:
    """
    Writers' schemas by id: ours, one with a field more, one of another record, one without sections, one of before.

    And two that registries and Avro's rules find compatible although they mean something else: a date that is a plain number, a
    revision that is a time. And one with a record that may hold itself, which Avro allows, too.
    """

    def __init__(self) -> None:
        """Know them."""
        self.known: dict[int, dict[str, Any]] = {
            OURS: parsed("HouseholdChanged"),
            WIDER: with_fields({"name": "remark", "type": ["null", "string"], "default": None}),
            LESSER: with_fields(without=("welfare", "nutrition")),
            FOREIGN: parsed("EventRejected"),
            UNDATED: with_type("valid_from", "int"),
            TIMED: with_type("revision", {"type": "long", "logicalType": "timestamp-micros"}),
            BEFORE: with_fields(without=("previous_household",)),
            ENDLESS: _parsed_anew(with_fields({"name": "elder", "type": ["null", _ELDER], "default": None})),
        }

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Return one, or reject."""
        if schema_id not in self.known:
            raise UnknownSchema(schema=schema_id)
        return self.known[schema_id]

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Return ours by its GUID, or reject."""
        if guid != GUID:
            raise UnknownSchema(schema=guid)
        return self.known[OURS]


SCHEMAS = Schemas()


def written(record: dict[str, Any], schema_id: int = OURS) -> bytes:
    """Return a framed record of one of the schemas."""
    out = BytesIO()
    out.write(b"\0" + schema_id.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, SCHEMAS.known[schema_id], record)
    return out.getvalue()


# ---- what is sent ---------------------------------------------------------------------------------------------------------


def a_good(regency: str, number: int = 0, *, region: str | None = None, **more: Any) -> HouseholdChanged:
    """Return a change that is admitted."""
    village = next(code for code in SMALL_VILLAGES if code.startswith(regency))
    source = next(one.source for one in REFERENCE.registrations if one.region == regency)
    said = {"valid_from": DAY, "village": village, "size": 4, "expenditure": 2_000_000, "revision": 5, **more}
    return changed(household_key(number), region or regency, said.pop("source", source), **said)


Maker = Callable[[str, st.DataObject], Sent]


def sent(event: HouseholdChanged, **more: Any) -> Sent:
    """Return an event as its adapter sends it."""
    return Sent(event.household, encode(event, OURS), **more)


def _good(regency: str, data: st.DataObject) -> Sent:
    members = tuple(Member(household_key(number), 1, 1990, 5) for number in range(data.draw(st.integers(0, 6))))
    event = a_good(
        regency,
        data.draw(st.integers(0, 3)),
        valid_from=data.draw(st.dates(date(1900, 1, 1), date(2024, 1, 2))),
        revision=data.draw(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 9)),
        operation=data.draw(st.sampled_from(list(Operation))),
        size=data.draw(st.none() | st.integers(1, 100)),
        expenditure=data.draw(st.none() | st.integers(0, 10**12)),
        basis=data.draw(st.sampled_from(list(WelfareBasis))),
        village=data.draw(st.none() | st.sampled_from([code for code in SMALL_VILLAGES if code.startswith(regency)])),
        mapping_version=data.draw(st.sampled_from([0, 1, -(2**31), 2**31 - 1])),
        members=data.draw(st.none() | st.just(members)),
        key_version=data.draw(st.integers(1, 2**31 - 1)),
        previous_household=data.draw(st.none() | st.sampled_from([household_key("older"), bytes(15) + b"\1"])),
    )
    return sent(event)


def _raw(**fields: Any) -> Maker:
    """Return how to make a good record with some fields as no event would have them."""
    return lambda regency, _: Sent(household_key(0), written({**to_record(a_good(regency)), **fields}))


def _said(**more: Any) -> Maker:
    return lambda regency, _: sent(a_good(regency, **more))


def _truncated(regency: str, data: st.DataObject) -> Sent:
    one = sent(a_good(regency))
    assert one.value is not None
    return Sent(one.key, one.value[: data.draw(st.integers(0, len(one.value) - 1))])


def _scrambled(regency: str, data: st.DataObject) -> Sent:
    body = bytearray(sent(a_good(regency, programmes=(Programme("PKH", DAY, 5),))).value or b"")
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    return Sent(household_key(0), bytes(body))


def _digits(regency: str, data: st.DataObject) -> Sent:
    """A national identifier in some text, at any alignment, and texts that almost hold one."""
    text = "x" * data.draw(st.integers(0, 17)) + NIK[: data.draw(st.sampled_from([14, 15, 16]))] + "y" * data.draw(st.integers(0, 3))
    where = data.draw(st.sampled_from(["programme", "source", "village", "region"]))
    return sent(a_good(regency, **({"programmes": (Programme(text, None, None),)} if where == "programme" else {where: text})))


def _wider(regency: str, data: st.DataObject) -> Sent:
    record = {**to_record(a_good(regency)), "remark": data.draw(st.none() | st.just("x" * 40) | st.just(NIK))}
    return Sent(household_key(0), written(record, WIDER))


def _endless(regency: str, data: st.DataObject) -> Sent:
    elder = data.draw(st.sampled_from((None, {"elder": None}, {"elder": {"elder": None}})))
    return Sent(household_key(0), written({**to_record(a_good(regency)), "elder": elder}, ENDLESS))


def _lesser(regency: str, data: st.DataObject) -> Sent:
    return Sent(household_key(0), written(to_record(a_good(regency)), LESSER))


def _as(schema_id: int, **more: Any) -> Maker:
    """Return how to make a record, or one with many members, which columns do not read, with another writer's schema."""

    def make(regency: str, data: st.DataObject) -> Sent:
        members = (Member(),) * data.draw(st.sampled_from([0, 60]))
        record = to_record(a_good(regency, members=members, **more)) | ({"valid_from": 19_000} if schema_id == UNDATED else {})
        return Sent(household_key(0), written(record, schema_id))

    return make


def _with_guid(regency: str, data: st.DataObject) -> Sent:
    one = sent(a_good(regency))
    assert one.value is not None
    guid = data.draw(st.sampled_from([b"\1" + GUID.bytes, b"\1" + UUID(int=3).bytes, b"\2" + GUID.bytes, b""]))
    return Sent(one.key, one.value[5:], (("__value_schema_id", guid),))


FAULTS: dict[str, Maker] = {
    "another key": lambda regency, _: Sent(household_key(1), encode(a_good(regency), OURS)),
    "key that differs at its end": lambda regency, _: Sent(household_key(0)[:15] + b"?", encode(a_good(regency), OURS)),
    "no key": lambda regency, _: Sent(None, encode(a_good(regency), OURS)),
    "short key": lambda regency, _: Sent(household_key(0)[:15], encode(a_good(regency), OURS)),
    "no value": lambda *_: Sent(household_key(0), None),
    "empty value": lambda *_: Sent(household_key(0), b""),
    "unknown source": _said(source="nobody"),
    "source of another regency": _said(source="gamma"),
    "long source": _said(source="a" * 17),
    "another regency": _said(region="92.01"),
    "unknown regency": _said(region="99.99"),
    "village of another regency": _said(village="92.01.01.1001"),
    "unknown village": _said(village="91.01.01.9999"),
    "district as village": _said(village="91.01.01"),
    "long village": _said(village="91.01.01.1001.1001.1001"),
    "empty village": _said(village=""),
    "size 0": _said(size=0),
    "size 101": _said(size=101),
    "size -1": _said(size=-1),
    "size beyond 32 bits": _raw(composition={"size": 2**31 - 1}),
    "expenditure -1": _said(expenditure=-1),
    "expenditure 1e12 + 1": _said(expenditure=10**12 + 1),
    "date after tomorrow": _said(valid_from=date(2024, 1, 3)),
    "date before 1900": _said(valid_from=date(1899, 12, 31)),
    "date of the year 1": _said(valid_from=date.min),
    "date of the year 9999": _said(valid_from=date.max),
    "unknown schema": lambda regency, _: Sent(household_key(0), b"\0" + (999).to_bytes(4, "big") + encode(a_good(regency), OURS)[5:]),
    "schema of another record": lambda *_: Sent(household_key(0), b"\0" + FOREIGN.to_bytes(4, "big") + b"\2x" * 30),
    "other framing": lambda regency, _: Sent(household_key(0), b"\1" + encode(a_good(regency), OURS)[1:]),
    "one byte too many": lambda regency, _: Sent(household_key(0), encode(a_good(regency), OURS) + b"\0"),
    "a header": lambda regency, _: sent(a_good(regency), headers=(("trace", b"1"),)),
    "a GUID before a frame": lambda regency, _: sent(a_good(regency), headers=(("__value_schema_id", b"\1" + UUID(int=3).bytes),)),
    "many members": _said(members=(Member(),) * 60),
    "text beyond ascii": _said(programmes=(Programme("BÉAS", None, 1),)),
    "text that is none": lambda regency, _: Sent(
        household_key(0), encode(a_good(regency, programmes=(Programme("XYZXYZ", None, 1),)), OURS).replace(b"XYZXYZ", b"XY\xff\xfeYZ")
    ),
    "long text that is none": lambda regency, _: Sent(
        household_key(0),
        encode(a_good(regency, programmes=(Programme("X" * 40, None, 1),)), OURS).replace(b"XXXX" * 10, b"X" * 39 + b"\xff"),
    ),
    "day that no calendar has": _raw(programmes=[{"programme": "PKH", "last_month": 4_000_000, "amount": None}]),
    "truncated": _truncated,
    "scrambled": _scrambled,
    "sixteen digits": _digits,
    "a field more": _wider,
    "a record that holds itself": _endless,
    "sections less": _lesser,
    "a date that is a number": _as(UNDATED),
    "a revision that is a time": _as(TIMED, revision=datetime(2023, 5, 1, tzinfo=UTC)),
    "framing with a GUID": _with_guid,
    "a previous household": _said(key_version=2, previous_household=household_key("older")),
    "a previous household with a header": lambda regency, _: sent(
        a_good(regency, key_version=2, previous_household=household_key("older")), headers=(("trace", b"1"),)
    ),
    "itself as previous household": _said(key_version=2, previous_household=household_key(0)),
    "an empty previous household": _said(key_version=2, previous_household=bytes(16)),
    "a previous household and no key version": _said(key_version=0, previous_household=household_key("older")),
    "a previous household and a key version beyond reason": _raw(key_version=2**31, previous_household=household_key("older")),
    "a schema of before previous households": lambda regency, _: Sent(household_key(0), written(to_record(a_good(regency)), BEFORE)),
}
MAKERS: dict[str, Maker] = {"good": _good, **FAULTS}

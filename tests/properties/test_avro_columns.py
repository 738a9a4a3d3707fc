"""Columnar decoding equals fastavro, record by record, on random values and on broken bytes."""

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from processors.columns.avro import NULL, read_columns
from processors.columns.plans import compile_plan
from processors.columns.varints import PADDING
from schemas.codec import NotTheContract, parsed, read_body

SCHEMA = parsed("HouseholdChanged")
WANTED = frozenset(
    {
        "household",
        "region",
        "source",
        "valid_from",
        "revision",
        "operation",
        "residence.village",
        "composition.size",
        "welfare.expenditure",
        "welfare.basis",
        "key_version",
        "previous_household",
    }
)
PLAN = compile_plan(SCHEMA, WANTED)
_INT, _LONG = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
_SMALL = st.none() | st.integers(0, 300) | _INT


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Return a random record of the contract."""
    member = st.fixed_dictionaries(
        {"person": st.none() | st.binary(min_size=16, max_size=16)}
        | dict.fromkeys(("sex", "birth_year", "birth_month", "relation", "schooling", "work", "presence"), _SMALL)
    )
    programme = st.fixed_dictionaries(
        {"programme": st.text(max_size=20), "last_month": st.none() | st.dates(), "amount": st.none() | _LONG}
    )
    child = st.fixed_dictionaries(
        {"person": st.none(), "measured_on": st.dates(), "weight_g": _SMALL, "height_mm": _SMALL, "status": _SMALL}
    )
    dwelling = st.fixed_dictionaries(
        dict.fromkeys(("tenure", "floor_area_m2", "floor", "wall", "roof", "water", "lighting", "fuel", "toilet", "sewage"), _SMALL)
    )
    return {
        "household": draw(st.binary(min_size=16, max_size=16)),
        "key_version": draw(_INT),
        "region": draw(st.text(max_size=8)),
        "source": draw(st.text(max_size=8)),
        "valid_from": draw(st.dates(min_value=date(1800, 1, 1))),
        "revision": draw(_LONG),
        "mapping_version": draw(_INT),
        "operation": draw(st.sampled_from(["UPSERT", "END", "RETRACT"])),
        "recorded_at": draw(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))),  # noqa: DTZ001
        "previous_household": draw(st.none() | st.binary(min_size=16, max_size=16)),
        "residence": draw(st.none() | st.fixed_dictionaries({"village": st.text(max_size=14)})),
        "composition": draw(st.none() | st.fixed_dictionaries({"size": _INT})),
        "welfare": draw(st.none() | st.fixed_dictionaries({"expenditure": _LONG, "basis": st.sampled_from(["OBSERVED", "MODELLED"])})),
        "dwelling": draw(st.none() | dwelling),
        "members": draw(st.none() | st.lists(member, max_size=60 if draw(st.integers(0, 9)) == 0 else 5)),
        "programmes": draw(st.none() | st.lists(programme, max_size=3)),
        "nutrition": draw(st.none() | st.lists(child, max_size=2)),
    }


def written(record: dict[str, Any]) -> bytes:
    """Return a record's Avro body."""
    out = BytesIO()
    fastavro.schemaless_writer(out, SCHEMA, record)
    return out.getvalue()


def columns(bodies: list[bytes]) -> tuple[list[tuple[Any, ...]], list[bool]]:
    """Return the wanted fields of each body, in fastavro's values, and which are odd."""
    assert PLAN is not None
    raw = b"".join(bodies)
    end = np.cumsum([len(body) for body in bodies])
    begin = end - [len(body) for body in bodies]
    found, odd = read_columns(PLAN, raw + b"\0" * PADDING, begin, end)

    def text(name: str, row: int) -> str | None:
        at, length = int(found[name].value[row]), int(found[name].length[row])
        return None if at < 0 else raw[at : at + length].decode("utf-8", "replace")

    rows: list[tuple[Any, ...]] = []
    for row in range(len(bodies)):
        at = int(found["household"].value[row])
        number = {
            name: int(found[name].value[row]) for name in ("valid_from", "revision", "operation", "composition.size", "welfare.basis")
        }
        rows.append(
            (
                raw[at : at + 16],
                text("region", row),
                text("source", row),
                number["valid_from"],
                number["revision"],
                ["UPSERT", "END", "RETRACT"][number["operation"]] if not odd[row] else None,
                text("residence.village", row),
                number["composition.size"],
                int(found["welfare.expenditure"].value[row]),
                int(found["key_version"].value[row]),
                None if (older := int(found["previous_household"].value[row])) == NULL else raw[older : older + 16],
            )
        )
    return rows, odd.tolist()


def expected(record: dict[str, Any]) -> tuple[Any, ...]:
    """Return the wanted fields of a record as columns say them."""
    return (
        record["household"],
        record["region"],
        record["source"],
        (record["valid_from"] - date(1970, 1, 1)).days,
        record["revision"],
        record["operation"],
        record["residence"]["village"] if record["residence"] else None,
        record["composition"]["size"] if record["composition"] else NULL,
        record["welfare"]["expenditure"] if record["welfare"] else NULL,
        record["key_version"],
        record["previous_household"],
    )


@given(st.lists(records(), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_columns_equal_fastavro(said: list[dict[str, Any]]) -> None:
    """Every record that is not odd is read as fastavro reads it, and usual records are not odd."""
    rows, odd = columns([written(one) for one in said])

    for record, row, unusual in zip(said, rows, odd, strict=True):
        if not unusual:
            assert expected(record) == row
        else:
            long = abs(record["revision"]) >= 2**55 or abs((record["welfare"] or {"expenditure": 0})["expenditure"]) >= 2**55
            long |= any(abs(one["amount"] or 0) >= 2**55 for one in record["programmes"] or [])
            unread = [one["programme"] for one in record["programmes"] or []]
            assert long or len(record["members"] or []) > 48 or any(len(one) > 32 or not one.isascii() for one in unread)


@given(records(), st.data())
@settings(max_examples=120, deadline=None)
def test_broken_bytes_are_odd_and_harm_no_neighbour(good: dict[str, Any], data: st.DataObject) -> None:
    """Whatever bytes come, records that fastavro refuses are odd, and a good neighbour is read as if alone."""
    body = bytearray(written(good))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(body[: data.draw(st.integers(0, len(body)))]) + data.draw(st.binary(max_size=30))
    small = {**good, "revision": 5, "welfare": None, "members": None, "programmes": None, "nutrition": None}
    rows, odd = columns([written(small), broken, written(small)])

    assert [odd[0], odd[2]] == [False, False]
    assert rows[0] == expected(small) == rows[2]
    try:
        read_body(broken, SCHEMA, SCHEMA)
    except NotTheContract:
        readable = False
    else:
        readable = True
    if not odd[1]:
        assert readable or _only_wanted_strings_or_ranges_differ(broken)


@given(records(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_broken_twin_does_not_pass_by_the_layout_of_good_ones(good: dict[str, Any], data: st.DataObject) -> None:
    """Of records that differ in a few bytes those that fastavro refuses are odd, and the good ones are read as if alone."""
    body = written(good)
    assume(columns([body])[1] == [False])
    twin = bytearray(body)
    for _ in range(data.draw(st.integers(1, 2))):
        twin[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.sampled_from((0, 1, 2, 4, 0x7E, 0x80, 0xFF)) | st.integers(0, 255))
    rows, odd = columns([body, bytes(twin), body])

    assert [odd[0], odd[2]] == [False, False]
    assert rows[0] == expected(good) == rows[2]
    if not odd[1]:
        assert _only_wanted_strings_or_ranges_differ(bytes(twin))


def _only_wanted_strings_or_ranges_differ(broken: bytes) -> bool:
    """Return whether fastavro refuses the bytes for what columns leave to the checks: a date out of range, or a code that is not UTF-8."""
    plain = fastavro.parse_schema(_without_logical(SCHEMA))
    return bool(fastavro.schemaless_reader(BytesIO(broken), plain, None, handle_unicode_errors="replace"))


def _without_logical(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _without_logical(value)
            for key, value in schema.items()
            if key not in ("logicalType", "__fastavro_parsed__", "__named_schemas")
        }
    if isinstance(schema, list):
        return [_without_logical(one) for one in schema]
    return schema

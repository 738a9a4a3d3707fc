"""The fast way to bytes: equal to the contract's codec, whatever the event."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.encoding import encode, item_reader, item_writers, under
from producers.written import Written
from schemas import codec
from schemas.events import (
    ChildMeasured,
    Composition,
    Dwelling,
    HouseholdChanged,
    Member,
    Operation,
    Programme,
    Residence,
    Welfare,
    WelfareBasis,
)
from tests.producers.events import event

_INT, _LONG = st.integers(-(1 << 31), (1 << 31) - 1), st.integers(-(1 << 63), (1 << 63) - 1)
_PSEUDONYM = st.binary(min_size=16, max_size=16)
_MAYBE = st.none() | _INT
_MEMBER = st.builds(Member, st.none() | _PSEUDONYM, *[_MAYBE] * 7)
_PROGRAMME = st.builds(Programme, st.text(), st.none() | st.dates(), st.none() | _LONG)
_CHILD = st.builds(ChildMeasured, st.none() | _PSEUDONYM, *[_MAYBE] * 3, measured_on=st.dates())
_EVENTS = st.builds(
    HouseholdChanged,
    household=_PSEUDONYM,
    key_version=_INT,
    region=st.text(),
    source=st.text(),
    valid_from=st.dates(),
    revision=_LONG,
    mapping_version=_INT,
    operation=st.sampled_from(Operation),
    recorded_at=st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    previous_household=st.none() | _PSEUDONYM,
    residence=st.none() | st.builds(Residence, st.text()),
    composition=st.none() | st.builds(Composition, _INT),
    welfare=st.none() | st.builds(Welfare, _LONG, st.sampled_from(WelfareBasis)),
    dwelling=st.none() | st.builds(Dwelling, *[_MAYBE] * 10),
    members=st.none() | st.lists(_MEMBER, max_size=5).map(tuple),
    programmes=st.none() | st.lists(_PROGRAMME, max_size=3).map(tuple),
    nutrition=st.none() | st.lists(_CHILD, max_size=3).map(tuple),
)


@given(_EVENTS, st.integers(0, (1 << 32) - 1))
@settings(max_examples=300, deadline=None)
def test_the_fast_way_is_the_contracts(one: HouseholdChanged, schema_id: int) -> None:
    """Any event is written as the codec of the contract writes it, to the byte."""
    assert encode(one, schema_id) == codec.encode(one, schema_id)


def test_days_before_the_epoch() -> None:
    """Dates before 1970 are negative, as in the contract."""
    early = HouseholdChanged(bytes(16), 1, "31.74", "x", date(1900, 1, 1), 0, 1, event(1).operation, datetime(1900, 1, 1, tzinfo=UTC))

    assert encode(early, 1) == codec.encode(early, 1)


@given(_EVENTS, st.integers(0, (1 << 32) - 1), _LONG)
@settings(max_examples=200, deadline=None)
def test_an_encoded_event_under_another_revision(one: HouseholdChanged, schema_id: int, revision: int) -> None:
    """What is encoded already gets another schema's id, and another revision, as if it had been encoded so."""
    encoded = encode(one, 0)

    assert under(encoded, schema_id) == encode(one, schema_id)
    assert under(encoded, schema_id, revision) == encode(replace(one, revision=revision), schema_id)


def _written(items: Sequence[Any] | None, kind: type) -> Sequence[Any] | None:
    """Return a list as the mapping gives it: each item as bytes."""
    if items is None:
        return None
    return Written([b"".join(write(getattr(one, name)) for name, write in item_writers(kind).items()) for one in items], item_reader(kind))


@given(_EVENTS)
@settings(max_examples=200, deadline=None)
def test_lists_that_are_written_already_are_those_lists(one: HouseholdChanged) -> None:
    """An event whose lists are bytes is the same event: equal either way round, hashed, shown, copied and written as it is."""
    kinds = {"members": Member, "programmes": Programme, "nutrition": ChildMeasured}
    made = replace(one, **{name: _written(getattr(one, name), kind) for name, kind in kinds.items()})  # type: ignore[arg-type]  # by name

    assert (made, one, hash(made), repr(made)) == (one, made, hash(one), repr(one))
    assert made == replace(made)
    assert copy.deepcopy(made) == one
    assert encode(made, 1) == codec.encode(made, 1) == codec.encode(one, 1)
    for name in kinds:
        found = getattr(made, name)
        assert found is None or ([*found], found[:1], len(found)) == (
            [*getattr(one, name)],
            getattr(one, name)[:1],
            len(getattr(one, name)),
        )


def test_a_list_that_is_written_already_is_not_another() -> None:
    """Lists of other items, in another order, or of another kind differ; an order of its own is the same whatever it came in."""
    first, second = Member(sex=1), Member(sex=2)
    both = _written((first, second), Member)
    other = _written((second, first), Member)

    assert both != other
    assert both != (second, first)
    assert both != [first, second]
    assert isinstance(both, Written)
    assert isinstance(other, Written)
    assert both.in_one_order() == other.in_one_order()

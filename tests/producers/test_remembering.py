"""What the mapping and the encoding remember of values that come over and over does not show, and holds no identifier."""

import gc
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.compiling import compiled
from producers.declaration import DriftModes, Kind, Value
from producers.drift import Drift
from producers.encoding import encode
from producers.faults import RecordUnreadable
from producers.mapping import Mapper
from producers.records import Node
from schemas import codec
from tests.producers.events import event
from tests.producers.samples import COLUMNS as P
from tests.producers.samples import card, mapper, row, sddd

_ODD: st.SearchStrategy[Any] = st.sampled_from(
    ["1", 1, 1.0, True, "true", "01", " 1", "", None, "0", 0, False, "2024-03-01", "202403", 202403, "-1", "99999999999", [], {}]
)
_FIELDS: list[tuple[str, Value, Kind]] = [
    ("dwelling.tenure", Value.model_validate({"path": "a"}), "whole"),
    ("dwelling.floor", Value.model_validate({"path": "a", "range": (1, 9)}), "whole"),
    ("composition.size", Value.model_validate({"path": "^.a"}), "whole"),
    ("members.sex", Value.model_validate({"path": "a", "table": {"1": 1, "true": 2}}), "whole"),
    ("ended", Value.model_validate({"path": "a"}), "flag"),
    ("valid_from", Value.model_validate({"path": "a", "as": "month"}), "date"),
]


def _read(get: Any, value: Any) -> tuple[str, Any]:
    try:
        found = get(Node({"a": value}, Node({"a": value})))
    except RecordUnreadable as fault:
        return "refused", fault.facts
    return type(found).__name__, found


@given(st.lists(_ODD, min_size=1, max_size=12), st.sampled_from(_FIELDS))
@settings(max_examples=400, deadline=None)
def test_what_was_read_before_does_not_show(values: list[Any], field: tuple[str, Value, Kind]) -> None:
    """A text, a number and a truth that look alike are read each as it would be by a mapping that has read nothing yet."""
    get = compiled(*field, Drift(DriftModes())).get

    for value in values:
        assert _read(get, value) == _read(compiled(*field, Drift(DriftModes())).get, value)


def test_more_than_is_remembered_is_read_as_well() -> None:
    """Beyond what is remembered, villages, sizes and spendings are read and written as the first were."""
    declared = mapper(sddd())
    around = {"village": "51.01.01.2001", "period": "2024-03", "exported": "2024-04-02T10:15:00+00:00"}
    for size in range(1, 9001):
        village = f"51.01.{size // 1000 + 1:02}.{size % 1000 + 2000}"
        record = Node(dict(zip(P, row(1, P303=str(size), P350=str(size * 1000)), strict=True)), Node(around | {"village": village}))
        found = declared.event(record)
        assert found.composition is not None
        assert found.welfare is not None
        assert found.residence is not None
        assert (found.composition.size, found.welfare.expenditure, found.residence.village) == (size, size * 1000, village)
        assert encode(found, 1) == codec.encode(found, 1) or size % 100


def test_no_identifier_stays() -> None:
    """After a record is gone, nothing that mapping or encoding remember has its family card's number."""
    declared: Mapper = mapper(sddd())
    around = Node({"village": "51.01.01.2001", "period": "2024-03", "exported": "2024-04-02T10:15:00+00:00"})
    number = card(7123)
    encode(declared.event(Node(dict(zip(P, row(1, P301=number), strict=True)), around)), 1)
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, dict) and number in one]

    assert held == []
    assert encode(event(1), 1) == codec.encode(event(1), 1)

"""From a body to notifications: one or a batch, and every body that is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sources.webhook.notifications import notifications, parsed
from producers.sources.webhook.refusals import Refusal, RequestRefused

DEEP = b'{"a":' * 40 + b"1" + b"}" * 40


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", Refusal.NO_JSON),
        (b'{"a": 1', Refusal.NO_JSON),
        (b"<html>no</html>", Refusal.NO_JSON),
        (b'{"a": NaN}', Refusal.NO_JSON),
        (b'{"a": -Infinity}', Refusal.NO_JSON),
        (b'{"a": "\xff"}', Refusal.NO_JSON),
        ('{"a": 1}'.encode("utf-16"), Refusal.NO_JSON),
        (b"\xef\xbb\xbf{}", Refusal.NO_JSON),
        (b"1" * 5_000, Refusal.NO_JSON),
        (b'{"a": 1}{"a": 2}', Refusal.NO_JSON),
        (DEEP, Refusal.TOO_DEEP),
        (b"[" * 33 + b"]" * 33, Refusal.TOO_DEEP),
        (b"[" * 200_000, Refusal.TOO_DEEP),
        (b"[" * 200_000 + b"]" * 200_000, Refusal.TOO_DEEP),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, Refusal.TOO_DEEP),
    ],
)
def test_what_is_no_json_that_can_be_borne(body: bytes, wanted: Refusal) -> None:
    """It is refused with its cause, however deep or long."""
    with pytest.raises(RequestRefused) as caught:
        parsed(body)
    assert caught.value.refusal is wanted


def test_the_depth_that_is_borne() -> None:
    """Thirty-two levels are."""
    assert parsed(b"[" * 32 + b"]" * 32)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    )
)
def test_what_json_holds_is_read(value: Any) -> None:
    """Any JSON is."""
    assert parsed(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("value", "found", "faults"),
    [
        ({"id": 1}, [{"id": 1}], []),
        ({"n": [{"id": 1}, {"id": 2}]}, [{"id": 1}, {"id": 2}], []),
        ({"n": []}, [], []),
        ({"n": {"id": 1}}, [], ["is no list"]),
        ({"n": None}, [], ["is missing"]),
        ([{"id": 1}], [[{"id": 1}]], []),
        (7, [7], []),
        (None, [None], []),
    ],
)
def test_one_or_a_batch(value: Any, found: list[Any], faults: list[str]) -> None:
    """A body with the path of a batch is a batch, every other is one notification, which the mapping then judges."""
    records, unreachable = notifications(value, "n[]")

    assert ([one.value for one in records], [one.cause for one in unreachable]) == (found, faults)


def test_without_a_path_every_body_is_one() -> None:
    """A source that sends no batches declares none."""
    assert [one.value for one in notifications({"n": [1, 2]}, None)[0]] == [{"n": [1, 2]}]


def test_a_batch_of_more_than_can_be_borne_is_refused() -> None:
    """Two hundred thousand empty records would hold up everybody else."""
    with pytest.raises(RequestRefused) as caught:
        notifications({"n": [{}] * 10_001}, "n[]")
    assert caught.value.refusal is Refusal.TOO_MANY_RECORDS

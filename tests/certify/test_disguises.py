"""A national identifier is found in an event whatever it is written as."""

from typing import Any

import pytest

from deploy.certify.disguises import fields_with
from deploy.certify.told import card, nik

CARD, NIK = card(3), nik(3)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"revision": int(CARD)}, "revision"),
        ({"programmes": [{"amount": None}, {"amount": int(CARD)}]}, "programmes.amount"),
        ({"programmes": [{"amount": -int(NIK)}]}, "programmes.amount"),
        ({"programmes": [{"programme": f"KK {CARD[:6]}-{CARD[6:12]}-{CARD[12:]}"}]}, "programmes.programme"),
        ({"residence": {"village": ".".join(NIK)}}, "residence.village"),
        ({"household": int(CARD).to_bytes(16, "big")}, "household"),
        ({"members": [{"person": int(NIK).to_bytes(16, "little")}]}, "members.person"),
        ({"household": bytes.fromhex(CARD) + bytes(8)}, "household"),
        ({"household": bytes(8) + bytes.fromhex(CARD)}, "household"),
    ],
)
def test_an_identifier_is_found_in_any_form(event: dict[str, Any], field: str) -> None:
    """As a number, with its digits apart, or in bytes; told is the field, never the number."""
    assert fields_with({CARD, NIK}, [{"region": "99.01"}, event]) == {field}


def test_what_is_none_is_none() -> None:
    """Another number of sixteen digits, such as a time in microseconds, is nobody."""
    event = {"revision": 1_709_625_600_000_001, "household": bytes(range(16)), "residence": {"village": "31.74.01.1001"}, "welfare": None}

    assert fields_with({CARD, NIK}, [event]) == set()

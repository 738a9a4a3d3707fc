"""Pseudonyms: the same for the same number and key, apart for every other, and silent about both."""

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.faults import KeyMissing
from producers.pseudonym import Pseudonyms, identifier_fault
from tests.producers.samples import KEY, card, nik


def test_a_pseudonym_is_keyed_and_truncated() -> None:
    """A pseudonym is HMAC-SHA-256 of domain and number, first 16 bytes, as another implementation finds it."""
    wanted = hmac.new(KEY, b"muara/family-card/1\0" + card(7).encode(), hashlib.sha256).digest()[:16]

    assert Pseudonyms(KEY, 1).family_card(card(7)) == wanted


def test_domains_are_apart() -> None:
    """One number is never the same pseudonym as a family card and as a person."""
    pseudonyms = Pseudonyms(KEY, 1)

    assert len({pseudonyms.family_card(nik(1)), pseudonyms.person(nik(1)), pseudonyms.mark(nik(1).encode())}) == 3


@given(st.binary(min_size=32, max_size=64), st.binary(min_size=32, max_size=64))
def test_keys_are_apart(one: bytes, other: bytes) -> None:
    """Another key makes another pseudonym, and the same key the same one."""
    assert (Pseudonyms(one, 1).person(nik(1)) == Pseudonyms(other, 1).person(nik(1))) == (one == other)


@pytest.mark.parametrize("text", [KEY.hex(), base64.b64encode(KEY).decode(), f" {KEY.hex()}\n"])
def test_the_key_comes_from_the_environment(text: str) -> None:
    """The key may be hex or base64, with its version beside it."""
    found = Pseudonyms.from_environ({"MUARA_PSEUDONYM_KEY": text, "MUARA_PSEUDONYM_KEY_VERSION": "3"})

    assert found.version == 3
    assert found.person(nik(1)) == Pseudonyms(KEY, 3).person(nik(1))


def test_the_key_comes_from_a_file(tmp_path: Path) -> None:
    """The key may lie in a file that the environment names."""
    (tmp_path / "key").write_text(f"{KEY.hex()}\n", encoding="ascii")

    found = Pseudonyms.from_environ({"MUARA_PSEUDONYM_KEY_FILE": str(tmp_path / "key")})
    assert found.person(nik(1)) == Pseudonyms(KEY, 1).person(nik(1))


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "neither is set"),
        ({"MUARA_PSEUDONYM_KEY": "abcd"}, "it has 2 bytes"),
        ({"MUARA_PSEUDONYM_KEY": "not a key!"}, "it is neither hex nor base64"),
        ({"MUARA_PSEUDONYM_KEY_FILE": "/nowhere/key"}, "the key file cannot be read: FileNotFoundError"),
        (
            {"MUARA_PSEUDONYM_KEY": KEY.hex(), "MUARA_PSEUDONYM_KEY_VERSION": "0"},
            "MUARA_PSEUDONYM_KEY_VERSION is no whole number from 1 on",
        ),
    ],
)
def test_a_missing_or_wrong_key_is_told(environ: dict[str, str], why: str) -> None:
    """Without a good key nothing starts, and the message names the remedy."""
    with pytest.raises(KeyMissing) as caught:
        Pseudonyms.from_environ(environ)

    assert str(caught.value).startswith(f"no key for pseudonyms ({why}): set MUARA_PSEUDONYM_KEY to at least 32 bytes in hex or base64")


def test_the_key_shows_nowhere() -> None:
    """Neither the repr nor an error holds any of the key."""
    pseudonyms = Pseudonyms(KEY, 1)

    assert KEY.hex()[:16] not in repr(pseudonyms)
    assert not hasattr(pseudonyms, "__dict__")


@pytest.mark.parametrize(
    ("number", "person", "fault"),
    [
        (card(1), False, None),
        (nik(1), True, None),
        (nik(1), False, "has a date that does not exist"),
        ("9901012902000001", True, None),
        ("9901012902010001", True, "has a date that does not exist"),
        ("9901017113900001", True, "has a date that does not exist"),
        ("9901010113900001", True, "has a date that does not exist"),
        ("9901010001900001", True, "has a date that does not exist"),
        ("9901014001900001", True, "has a date that does not exist"),
        ("9901010101200000", False, "has the serial 0000"),
        ("990101010120001", False, "is not 16 digits"),
        ("99010101012000011", False, "is not 16 digits"),
        ("9901010101200o01", False, "is not 16 digits"),
        ("99010101012000\u06611", False, "is not 16 digits"),
        ("", True, "is not 16 digits"),
    ],
)
def test_what_is_wrong_with_a_number(number: str, person: bool, fault: str | None) -> None:
    """Digits, date (women's day plus 40, persons only) and serial are judged; the area is not."""
    assert identifier_fault(number, person=person) == fault

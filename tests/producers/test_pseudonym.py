"""Pseudonyms: the same for the same number and key, apart for every other, and silent about both."""

import base64
import hashlib
import hmac
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import pseudonym
from producers.faults import KeyMissing, PreviousKeyWrong
from producers.pseudonym import Pseudonyms, identifier_fault
from tests.producers.samples import KEY, NEW_KEY, card, nik, rotated


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
        ({"MUARA_PSEUDONYM_KEY_FILE": "/nowhere/key"}, "the key file /nowhere/key cannot be read: No such file or directory"),
        ({"MUARA_PSEUDONYM_KEY_FILE": "/dev"}, "the key file /dev cannot be read: Is a directory"),
        ({"MUARA_PSEUDONYM_KEY_FILE": "/dev/zero"}, "the key file /dev/zero cannot be used: it is too long to be one"),
        ({"MUARA_PSEUDONYM_KEY_FILE": "/dev/null"}, "the key file /dev/null is empty"),
        (
            {"MUARA_PSEUDONYM_KEY": KEY.hex(), "MUARA_PSEUDONYM_KEY_VERSION": "9" * 5000},
            "MUARA_PSEUDONYM_KEY_VERSION is no whole number from 1 on",
        ),
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
    """Neither a repr nor an error holds any of a key, nor does anything that a dump of all attributes would show."""
    pseudonyms = rotated()

    shown = f"{pseudonyms!r} {[getattr(pseudonyms, name) for name in Pseudonyms.__slots__]} {pseudonyms.previous!r}"
    assert repr(pseudonyms) == "Pseudonyms(version 2, previous 1)"
    for key in (KEY, NEW_KEY):
        assert not any(text in shown for text in (key.hex()[:16], repr(key)[2:20], base64.b64encode(key).decode()[:16]))
    assert not hasattr(pseudonyms, "__dict__")


def test_the_previous_key_stands_beside_the_new_one(tmp_path: Path) -> None:
    """While keys are rotated a family card has two names; a person, who is named in no key of a record, has the new one alone."""
    (tmp_path / "previous").write_text(f"{KEY.hex()}\n", encoding="ascii")
    environ = {"MUARA_PSEUDONYM_KEY": NEW_KEY.hex(), "MUARA_PSEUDONYM_KEY_VERSION": "2"}
    for previous in ({"MUARA_PSEUDONYM_PREVIOUS_KEY": KEY.hex()}, {"MUARA_PSEUDONYM_PREVIOUS_KEY_FILE": str(tmp_path / "previous")}):
        found = Pseudonyms.from_environ({**environ, **previous, "MUARA_PSEUDONYM_PREVIOUS_KEY_VERSION": "1"})

        assert (found.version, found.previous and found.previous.version) == (2, 1)
        assert found.family_card(card(1)) == Pseudonyms(NEW_KEY, 2).family_card(card(1))
        assert found.previous_family_card(card(1)) == Pseudonyms(KEY, 1).family_card(card(1))
    assert Pseudonyms.from_environ(environ).previous_family_card(card(1)) is None


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"MUARA_PSEUDONYM_PREVIOUS_KEY": "abcd"}, "it has 2 bytes"),
        ({"MUARA_PSEUDONYM_PREVIOUS_KEY_VERSION": "1"}, "neither is set"),
        ({"MUARA_PSEUDONYM_PREVIOUS_KEY_FILE": "/nowhere/key"}, "the key file /nowhere/key cannot be read: No such file or directory"),
        ({"MUARA_PSEUDONYM_PREVIOUS_KEY": NEW_KEY.hex()}, "it is the new one"),
        (
            {"MUARA_PSEUDONYM_PREVIOUS_KEY": KEY.hex(), "MUARA_PSEUDONYM_PREVIOUS_KEY_VERSION": "2"},
            "its version 2 is not below 2, the version of the new one",
        ),
        (
            {"MUARA_PSEUDONYM_PREVIOUS_KEY": KEY.hex(), "MUARA_PSEUDONYM_KEY_VERSION": "1"},
            "its version 1 is not below 1, the version of the new one",
        ),
        (
            {"MUARA_PSEUDONYM_PREVIOUS_KEY": KEY.hex(), "MUARA_PSEUDONYM_PREVIOUS_KEY_VERSION": "one"},
            "MUARA_PSEUDONYM_PREVIOUS_KEY_VERSION is no whole number from 1 on",
        ),
    ],
)
def test_a_previous_key_that_cannot_be_is_told(environ: dict[str, str], why: str) -> None:
    """A window that is half declared, or turned round, starts nothing; no message holds a key."""
    with pytest.raises(PreviousKeyWrong) as caught:
        Pseudonyms.from_environ({"MUARA_PSEUDONYM_KEY": NEW_KEY.hex(), "MUARA_PSEUDONYM_KEY_VERSION": "2", **environ})

    assert str(caught.value).startswith(f"the previous key for pseudonyms cannot be used ({why}): ")
    assert KEY.hex() not in str(caught.value)


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
        ("9900010101200001", False, "has an area that cannot be"),
        ("9970010101200001", False, "has an area that cannot be"),
        ("9969010101200001", False, None),
        ("9971014101200001", True, None),
        ("9901010101209999", False, "has the serial 9999, which stands for a number still to come"),
        ("9901014101209999", True, None),
        ("1" * 16, False, "is one digit sixteen times, which stands for a number that is not known"),
        ("1" * 16, True, "is one digit sixteen times, which stands for a number that is not known"),
        ("990101010120001", False, "is not 16 digits"),
        ("99010101012000011", False, "is not 16 digits"),
        ("9901010101200o01", False, "is not 16 digits"),
        ("99010101012000\u06611", False, "is not 16 digits"),
        ("", True, "is not 16 digits"),
    ],
)
def test_what_is_wrong_with_a_number(number: str, person: bool, fault: str | None) -> None:
    """Digits, date (women's day plus 40, persons only), serial and what no area can be are judged; whether the area is there is not."""
    assert identifier_fault(number, person=person) == fault


@pytest.mark.parametrize("person", [True, False])
def test_no_number_passes_by_its_looks(monkeypatch: pytest.MonkeyPatch, person: bool) -> None:
    """Of every day, month, area and serial the quick look lets pass only what the whole look does."""
    days = [f"{day:02}{month:02}{year:02}" for day in range(100) for month in range(14) for year in (0, 1, 4)]
    numbers = [f"990101{day}0001" for day in days] + [f"99{area:02}01010190{serial}" for area in range(100) for serial in ("0000", "9999")]
    found = [identifier_fault(number, person=person) for number in numbers]
    monkeypatch.setattr(pseudonym, "_PERSONS", re.compile("never"))
    monkeypatch.setattr(pseudonym, "_CARD", re.compile("never"))

    assert found == [identifier_fault(number, person=person) for number in numbers]
    assert found.count(None) > 1000

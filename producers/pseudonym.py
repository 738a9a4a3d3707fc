"""
Pseudonyms: keyed, so that nobody without the key can try numbers; with a domain, so that a family card and a person never meet.

Why: a bare hash of a national identifier is found again in minutes; with a secret key it is not (HMAC, RFC 2104).
Must not: let the key into a repr, a log or a region file.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from producers.faults import KeyMissing

__all__ = ["KEY", "KEY_FILE", "KEY_VERSION", "LOST", "Pseudonyms", "identifier_fault"]

KEY, KEY_FILE, KEY_VERSION = "MUARA_PSEUDONYM_KEY", "MUARA_PSEUDONYM_KEY_FILE", "MUARA_PSEUDONYM_KEY_VERSION"
_FAMILY_CARD, _PERSON, _MARK = b"muara/family-card/1", b"muara/person/1", b"muara/mark/1"
_SIZE, _BLOCK = 16, 64
_LEAST_KEY = 32
LOST = "went through a number of a spreadsheet, which keeps 15 digits: write it as text"
"""What is wrong with an identifier that was a number once: its last digits are gone, and nothing tells them."""
_NUMBER = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]{15,16}[.,]0*")
_SIXTEEN = re.compile(r"[0-9]{16}")
_LEAP_YEAR = 2000
_WOMEN_FROM, _WOMEN_PLUS = 41, 40
_Keyed = tuple["hashlib._Hash", "hashlib._Hash"]  # noqa: SLF001 - the one name that types have for it


class Pseudonyms:
    """Makes pseudonyms with one version of the key."""

    __slots__ = ("_card", "_mark", "_person", "version")

    def __init__(self, key: bytes, version: int) -> None:
        """Take a key of at least 32 bytes; raises `KeyMissing` for a shorter one."""
        if len(key) < _LEAST_KEY:
            raise KeyMissing(why=f"it has {len(key)} bytes")
        self.version = version
        self._card, self._person, self._mark = (_keyed(key, domain) for domain in (_FAMILY_CARD, _PERSON, _MARK))

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Pseudonyms":
        """Return pseudonyms by the key and version in the environment, or in the key file that it names; raises `KeyMissing`."""
        version = environ.get(KEY_VERSION, "1")
        if not version.isascii() or not version.isdigit() or not 1 <= int(version) < 1 << 31:
            raise KeyMissing(why=f"{KEY_VERSION} is no whole number from 1 on")
        return cls(_bytes_of(_key_text(environ)), int(version))

    def family_card(self, number: str) -> bytes:
        """Return the pseudonym of a family card's number, 16 bytes."""
        return _made(self._card, number.encode())

    def person(self, number: str) -> bytes:
        """Return the pseudonym of a person's number, 16 bytes."""
        return _made(self._person, number.encode())

    def mark(self, content: bytes) -> bytes:
        """Return a mark by which a record in quarantine is known again, 16 bytes that tell nothing without the key."""
        return _made(self._mark, content)


def _keyed(key: bytes, domain: bytes) -> "_Keyed":
    """Return the two halves of HMAC-SHA-256 (RFC 2104) begun with a key and a domain: one copy of each per identifier is all it takes."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(one ^ pad for one in block)) for pad in (0x36, 0x5C))
    inner.update(domain + b"\0")
    return inner, outer


def _made(keyed: "_Keyed", content: bytes) -> bytes:
    inner, outer = keyed[0].copy(), keyed[1].copy()
    inner.update(content)
    outer.update(inner.digest())
    return outer.digest()[:_SIZE]


def _key_text(environ: Mapping[str, str]) -> str:
    if text := environ.get(KEY):
        return text.strip()
    file = environ.get(KEY_FILE)
    if not file:
        raise KeyMissing(why="neither is set")
    try:
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyMissing(why=f"the key file cannot be read: {type(error).__name__}") from error


def _bytes_of(text: str) -> bytes:
    """Return the key's bytes; what is hexadecimal is never taken for base64."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyMissing(why="it is neither hex nor base64") from None


def identifier_fault(number: str, *, person: bool) -> str | None:
    """
    Return what is wrong with a family card's or person's number, or None.

    16 digits: area (6), date DDMMYY (of birth, women's day plus 40; of registration on a card), serial (not 0000).
    An unknown area is no fault: areas are those of first issue, and areas are split and renamed.

    >>> identifier_fault("9901014502900001", person=True)
    >>> identifier_fault("9901014502900001", person=False)
    'has a date that does not exist'
    >>> identifier_fault("9901010502900000", person=False)
    'has the serial 0000'
    >>> identifier_fault("9,90101E+15", person=False) == LOST
    True
    """
    if not _SIXTEEN.fullmatch(number):
        return LOST if _NUMBER.fullmatch(number) else "is not 16 digits"
    if not _is_date(number[6:12], person):
        return "has a date that does not exist"
    return "has the serial 0000" if number[12:] == "0000" else None


@lru_cache(maxsize=1 << 13)
def _is_date(text: str, person: bool) -> bool:
    """Return whether a text DDMMYY is a date; a register has the same few thousand over and over."""
    day, month, year = int(text[:2]), int(text[2:4]), int(text[4:])
    if person and day >= _WOMEN_FROM:
        day -= _WOMEN_PLUS
    try:
        # The century is not told; 1900 was no leap year and 2000 was, so the lenient one is right for all living people.
        date(_LEAP_YEAR + year, month, day)
    except ValueError:
        return False
    return True

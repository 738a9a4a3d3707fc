"""
Pseudonyms: keyed, so that nobody without the key can try numbers; with a domain, so that a family card and a person never meet.

Why: a bare hash of a national identifier is found again in minutes; with a secret key it is not (HMAC, RFC 2104).
While keys are rotated there is a second, older key, by which a household is named too, so that the office knows both to be one.
Must not: let a key into a repr, a log or a region file.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import lru_cache
from pathlib import Path

from producers.environment import content_of
from producers.faults import KeyMissing, PreviousKeyWrong
from producers.sealing import Seal

__all__ = [
    "KEY",
    "KEY_FILE",
    "KEY_VERSION",
    "LOST",
    "PREVIOUS_KEY",
    "PREVIOUS_KEY_FILE",
    "PREVIOUS_KEY_VERSION",
    "Pseudonyms",
    "identifier_fault",
    "is_person",
    "is_placeholder",
]

KEY, KEY_FILE, KEY_VERSION = "MUARA_PSEUDONYM_KEY", "MUARA_PSEUDONYM_KEY_FILE", "MUARA_PSEUDONYM_KEY_VERSION"
PREVIOUS_KEY, PREVIOUS_KEY_FILE = "MUARA_PSEUDONYM_PREVIOUS_KEY", "MUARA_PSEUDONYM_PREVIOUS_KEY_FILE"
PREVIOUS_KEY_VERSION = "MUARA_PSEUDONYM_PREVIOUS_KEY_VERSION"
_FAMILY_CARD, _PERSON, _MARK = b"muara/family-card/1", b"muara/person/1", b"muara/mark/1"
_SIZE, _BLOCK = 16, 64
_OF_KEY = b"the key itself"
_LEAST_KEY = 32
LOST = "went through a number of a spreadsheet, which keeps 15 digits: write it as text"
"""What is wrong with an identifier that was a number once: its last digits are gone, and nothing tells them."""
_NUMBER = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]{15,16}[.,]0*")
_VERSION = re.compile(r"[0-9]{1,10}")
_SIXTEEN = re.compile(r"[0-9]{16}")
_PENDING = "9999"
_NO_REGENCY = ("00", "70")
_CARD = re.compile(r"(?!1{16})[0-9]{2}(?!00|70)[0-9]{4}(?:0[1-9]|1[0-9]|2[0-8])(?:0[1-9]|1[0-2])[0-9]{2}(?!0000|9999)[0-9]{4}")
_PERSONS = re.compile(r"(?!1{16})[0-9]{2}(?!00|70)[0-9]{4}(?:[04][1-9]|[15][0-9]|[26][0-8])(?:0[1-9]|1[0-2])[0-9]{2}(?!0000|9999)[0-9]{4}")
"""Numbers that are certainly well formed, of areas and on days that there certainly are: nine of ten need no other look."""
_LEAP_YEAR = 2000
_WOMEN_FROM, _WOMEN_PLUS = 41, 40
_Keyed = tuple["hashlib._Hash", "hashlib._Hash"]  # noqa: SLF001 - the one name that types have for it


class Pseudonyms:
    """Makes pseudonyms with one version of the key; `previous` makes them with an older one, while keys are rotated."""

    __slots__ = ("_card", "_mark", "_person", "previous", "seal", "version")

    def __init__(self, key: bytes, version: int, previous: "Pseudonyms | None" = None) -> None:
        """Take a key of at least 32 bytes; raises `KeyMissing` for a shorter one, and `PreviousKeyWrong` for one that is not older."""
        if len(key) < _LEAST_KEY:
            raise KeyMissing(why=f"it has {len(key)} bytes")
        self.version, self.previous = version, previous
        self._card, self._person, self._mark = (_keyed(key, domain) for domain in (_FAMILY_CARD, _PERSON, _MARK))
        self.seal: Seal = Seal(key, version, previous.seal if previous else None)
        """Closes what must be kept of records that could not become events."""
        if previous is not None:
            if previous.version >= version:
                raise PreviousKeyWrong(why=f"its version {previous.version} is not below {version}, the version of the new one")
            if previous.mark_of_key == self.mark_of_key:
                raise PreviousKeyWrong(why="it is the new one")

    def __repr__(self) -> str:
        """Tell versions, and nothing else."""
        return f"Pseudonyms(version {self.version}" + (f", previous {self.previous.version})" if self.previous else ")")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Pseudonyms":
        """
        Return pseudonyms by the key and version in the environment, or in the key file that it names, and by the previous key beside it.

        Raises `KeyMissing`, `PreviousKeyWrong`.
        """
        return cls(_bytes_of(_key_text(environ, KEY, KEY_FILE)), _version(environ, KEY_VERSION), cls._previous(environ))

    @classmethod
    def _previous(cls, environ: Mapping[str, str]) -> "Pseudonyms | None":
        names = (PREVIOUS_KEY, PREVIOUS_KEY_FILE, PREVIOUS_KEY_VERSION)
        if not any(environ.get(name) for name in names):
            return None
        try:
            return cls(_bytes_of(_key_text(environ, *names[:2])), _version(environ, PREVIOUS_KEY_VERSION))
        except KeyMissing as error:
            raise PreviousKeyWrong(why=error.facts["why"]) from None

    def family_card(self, number: str) -> bytes:
        """Return the pseudonym of a family card's number, 16 bytes."""
        return _made(self._card, number.encode())

    def previous_family_card(self, number: str) -> bytes | None:
        """Return the pseudonym of a family card's number by the older key, None while there is none."""
        return self.previous.family_card(number) if self.previous else None

    @property
    def mark_of_key(self) -> bytes:
        """Tell by 16 bytes, from which no key can be found, whether a key is the same as another."""
        return self.mark(_OF_KEY)

    def person(self, number: str) -> bytes:
        """Return the pseudonym of a person's number, 16 bytes."""
        inner, outer = self._person  # `_made`, without a call: a household has one card and many people
        inner, outer = inner.copy(), outer.copy()
        inner.update(number.encode())
        outer.update(inner.digest())
        return outer.digest()[:_SIZE]

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


def _version(environ: Mapping[str, str], name: str) -> int:
    version = environ.get(name) or "1"
    if not _VERSION.fullmatch(version) or not 1 <= int(version) < 1 << 31:
        raise KeyMissing(why=f"{name} is no whole number from 1 on")
    return int(version)


def _key_text(environ: Mapping[str, str], key: str, key_file: str) -> str:
    if text := environ.get(key):
        return text.strip()
    file = environ.get(key_file)
    if not file:
        raise KeyMissing(why="neither is set")
    try:
        if found := content_of(Path(file)):
            return found
        raise KeyMissing(why=f"the key file {file} is empty")
    except OSError as error:
        raise KeyMissing(why=f"the key file {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise KeyMissing(why=f"the key file {file} cannot be used: {error}") from None


def _bytes_of(text: str) -> bytes:
    """Return the key's bytes; what is hexadecimal is never taken for base64. No error has the text in its chain."""
    with suppress(ValueError):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyMissing(why="it is neither hex nor base64") from None


def is_placeholder(number: str) -> bool:
    """
    Return whether a number stands for one that is still to come, as registers write it: its serial is 9999.

    >>> is_placeholder("9901010502909999"), is_placeholder("9901010502900001")
    (True, False)
    """
    return number.endswith(_PENDING)


def identifier_fault(number: str, *, person: bool) -> str | None:
    """
    Return what is wrong with a family card's or person's number, or None.

    16 digits: area (6), date DDMMYY (of birth, women's day plus 40; of registration on a card), serial (not 0000).
    Of an area the second two digits are a kabupaten (01 to 69) or a kota (71 to 99). An unknown area is no fault: areas are those of
    first issue, and areas are split and renamed. A card's number that stands for one still to come names nobody: families that share it
    would become one household.

    >>> identifier_fault("9901014502900001", person=True)
    >>> identifier_fault("9901014502900001", person=False)
    'has a date that does not exist'
    >>> identifier_fault("9901010502900000", person=False)
    'has the serial 0000'
    >>> identifier_fault("9,90101E+15", person=False) == LOST
    True
    """
    if (_PERSONS if person else _CARD).fullmatch(number):
        return None
    if not _SIXTEEN.fullmatch(number):
        return LOST if _NUMBER.fullmatch(number) else "is not 16 digits"
    if number[2:4] in _NO_REGENCY:
        return "has an area that cannot be"
    if not _is_date(number[6:12], person):
        return "has a date that does not exist"
    return _serial_fault(number, person=person)


def is_person(number: str) -> bool:
    """Return whether a text is a person's number, and none that is still to come."""
    return _PERSONS.fullmatch(number) is not None or (not is_placeholder(number) and identifier_fault(number, person=True) is None)


def _serial_fault(number: str, *, person: bool) -> str | None:
    if number[12:] == "0000":
        return "has the serial 0000"
    if number == number[0] * len(number):
        return "is one digit sixteen times, which stands for a number that is not known"
    return "has the serial 9999, which stands for a number still to come" if is_placeholder(number) and not person else None


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

"""
The benchmark's events: what the Carik adapter emits, all sections that it has (it knows no nutrition), four members on average.

Why: making events must cost less than merging them, so their bytes are put together from encoded pieces, the same for every seed;
tests/properties/test_bench_workload.py proves that fastavro reads them as the events they stand for, and writes the same bytes.
Must not: be easier than life: updates are spread over all households, moves, ENDs, retractions and late ones included.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO

import fastavro

from schemas.codec import encode, parsed
from schemas.events import (
    Composition,
    Dwelling,
    HouseholdChanged,
    Member,
    Operation,
    Programme,
    Residence,
    Welfare,
    WelfareBasis,
    to_record,
)

__all__ = ["Change", "Workload"]

_FIRST, _LAST = (date(2024, 1, 1) - date(1970, 1, 1)).days, (date(2026, 10, 1) - date(1970, 1, 1)).days
_REVISION = 1_700_000_000_000_000
_MEMBERS = (1, 2, 3, 3, 4, 4, 4, 5, 6, 8)  # four on average


def _zigzag(number: int) -> bytes:
    """Return a whole number as Avro writes it."""
    number = number << 1 ^ number >> 63
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


@dataclass(frozen=True, slots=True)
class Change:
    """One event: the regency whose topic it goes to, its key, its framed value, and the number of its household."""

    regency: str
    key: bytes
    value: bytes
    household: int


class Workload:
    """Events over households that live in given villages, deterministic by seed."""

    def __init__(self, villages: Sequence[str], households: int, schema_id: int, source: str = "carik", seed: int = 1) -> None:
        """Place the households; nothing is made yet."""
        self._dice = random.Random(seed)  # noqa: S311 - invented households
        self._source = _text(source)
        self._villages = [(code, ".".join(code.split(".")[:2]), b"\x02" + _text(code)) for code in villages]
        self._frame = b"\0" + schema_id.to_bytes(4, "big")
        self._keys = [hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest() for number in range(households)]
        self._home = [self._dice.randrange(len(villages)) for _ in range(households)]
        self._beside = _by_regency((regency, place) for place, (_, regency, _) in enumerate(self._villages))
        self._homes = list(_by_regency((self._villages[home][1], household) for household, home in enumerate(self._home)).values())
        self._from = [0] * households
        self._older: dict[int, bytes] = {}
        self._revision = _REVISION
        self._tails = {size: self._tail(size) for size in set(_MEMBERS)}
        self._day = [_zigzag(day) for day in range(_LAST + 1)]

    def first(self) -> Iterator[Change]:
        """Yield one UPSERT of each household, in random order."""
        order = list(range(len(self._keys)))
        self._dice.shuffle(order)
        for household in order:
            self._from[household] = self._dice.randint(_FIRST, _FIRST + 300)
            yield self._change(household, self._from[household], 0)

    def updates(self, count: int, *, evenly: bool = False) -> Iterator[Change]:
        """
        Yield changes spread over all households: new states, corrections, moves, a few ENDs and retractions, 3 % of them late.

        With `evenly` each regency has as many as any other, however few live there.
        """
        held: list[Change] = []
        for _ in range(count):
            household = self._dice.choice(self._dice.choice(self._homes)) if evenly else self._dice.randrange(len(self._keys))
            throw = self._dice.random()
            day, operation = self._from[household], 0
            if throw < 0.05:
                self._home[household] = self._neighbour(self._home[household])
            if throw > 0.97:
                day, operation = self._dice.randint(_FIRST + 300, _LAST), 1
            elif throw > 0.95:
                operation = 2
            elif throw <= 0.85:
                day = self._from[household] = self._dice.randint(_FIRST + 300, _LAST)
            change = self._change(household, day, operation)
            if throw < 0.03:
                held.append(change)
                change = held.pop(0) if len(held) > 500 else self._change(household, day, operation)
            yield change

    def renamed(self) -> Iterator[Change]:
        """Yield a change of each household under its name by a new key, with the one by the older key beside; later ones likewise."""
        for household, older in enumerate(self._keys):
            self._older[household] = b"\x02" + older
            self._keys[household] = hashlib.blake2b(older, digest_size=16).digest()
            yield self._change(household, self._from[household], 0)

    def _neighbour(self, village: int) -> int:
        """Return a village of the same regency, so that the household stays in its topic."""
        return self._dice.choice(self._beside[self._villages[village][1]])

    def _change(self, household: int, day: int, operation: int) -> Change:
        self._revision += 1000
        _, regency, residence = self._villages[self._home[household]]
        size = self._dice.choice(_MEMBERS)
        expenditure = size * self._dice.randint(300_000, 3_000_000)
        value = b"".join(
            (
                self._frame,
                self._keys[household],
                b"\x04" if household in self._older else b"\x02",
                _text(regency),
                self._source,
                self._day[day],
                _zigzag(self._revision),
                b"\x02",
                _zigzag(operation),
                _zigzag(self._revision),
                self._older.get(household, b"\0"),
                residence,
                b"\x02",
                _zigzag(size),
                b"\x02",
                _zigzag(expenditure),
                _zigzag(int(self._dice.random() < 0.2)),
                self._tails[size],
            )
        )
        return Change(regency, self._keys[household], value, household)

    @staticmethod
    def _tail(size: int) -> bytes:
        """Return the encoded dwelling, members, programmes and nutrition of a household of a size."""
        event = _example(size)
        whole, out = encode(event, 0)[5:], BytesIO()
        schema = parsed("HouseholdChanged")
        head = {
            **schema,
            "fields": [one for one in schema["fields"] if one["name"] not in ("dwelling", "members", "programmes", "nutrition")],
        }
        fastavro.schemaless_writer(out, head, to_record(event))
        return whole[len(out.getvalue()) :]


def _by_regency(placed: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for regency, number in placed:
        found.setdefault(regency, []).append(number)
    return found


def _text(text: str) -> bytes:
    return _zigzag(len(text.encode())) + text.encode()


def _example(size: int) -> HouseholdChanged:
    person = hashlib.blake2b(b"person", digest_size=16).digest()
    members = tuple(
        Member(person, 1 + number % 2, 1960 + 9 * number, 1 + number % 12, min(8, number + 1), 3, 4, 1) for number in range(size)
    )
    return HouseholdChanged(
        household=person,
        key_version=1,
        region="31.74",
        source="carik",
        valid_from=date(2024, 1, 1),
        revision=_REVISION,
        mapping_version=1,
        operation=Operation.UPSERT,
        recorded_at=datetime(2024, 1, 1, tzinfo=UTC),
        residence=Residence("31.74.01.1001"),
        composition=Composition(size),
        welfare=Welfare(4_000_000, WelfareBasis.OBSERVED),
        dwelling=Dwelling(1, 36, 3, 1, 2, 4, 1, 3, 1, 2),
        members=members,
        programmes=(Programme("PKH", date(2024, 1, 1), 300_000),),
        nutrition=None,
    )

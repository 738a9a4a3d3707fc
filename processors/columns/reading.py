"""
From the bytes of many records to packed statements: what is surely fine by columns, everything else one by one.

Why: `admission.admit` is the definition of what may be applied; columns only prove for most records that it would say yes.
Must not: reject anything by itself, fetch a schema, or know a clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from processors.admission import EARLIEST, GREATEST_EXPENDITURE
from processors.blocks import Joined, join
from processors.columns.avro import NULL, Column, read_columns
from processors.columns.names import NO_LINKS, Links
from processors.columns.one_by_one import BlockFrom, Dead, one_by_one, schemas_of
from processors.columns.plans import Plan
from processors.columns.statements import STATEMENT, Packed
from processors.columns.texts import NOT_FOUND, TextTable, text_words
from processors.columns.varints import PADDING, words
from processors.columns.writers import WANTED, Readers
from processors.indicators.standing import NOTHING
from processors.months import day_number
from processors.reference import Limits, Reference, number_of
from schemas.codec import FRAME

__all__ = ["BlockFrom", "Dead", "Readers", "Reading", "read", "schemas_of"]

_DAY_MS, _EAST_MS = 86_400_000, 9 * 3_600_000
_HIGH_HALVES, _DIGITS = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x3030303030303030)
_SIX = np.uint64(0x0606060606060606)


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a batch of blocks says.

    `household` (statements, 2) uint64, the halves of each statement's household; `statements` (statements,) packed, in the order of
    the records; `dead` the rejected ones; `links` what the statements' records say of names, in no order, most often nothing.
    """

    household: NDArray[np.uint64]
    statements: Packed
    dead: list[Dead]
    links: Links = NO_LINKS


def read(blocks: Sequence[BlockFrom], reference: Reference, limits: Limits, readers: Readers) -> Reading:
    """
    Return what blocks say, judged by one version of the reference data.

    Raises `Retriable` where a schema is not cached and the registry is away; every other fault of a record is in `dead`.
    """
    records = join([one.block for one in blocks], PADDING)
    word = words(records.raw)
    household = np.zeros((len(records.value), 2), np.uint64)
    statements = np.zeros(len(records.value), STATEMENT)
    fine = np.zeros(len(records.value), bool)
    links: list[Links] = []
    schema = np.where(_framed(records, word), _schema_ids(word, records.value), -1)
    for schema_id in np.unique(schema).tolist():
        plan = readers.plan(schema_id) if schema_id >= 0 else None
        if plan is not None:
            rows = np.flatnonzero(schema == schema_id)
            links += _read_rows(plan, rows, records, word, blocks, reference, limits, household, statements, fine)
    dead, said = one_by_one(np.flatnonzero(~fine), records, blocks, reference, limits, readers, household, statements, fine)
    links += [said] * bool(len(said))
    linked = Links.joined(links) if links else NO_LINKS
    return Reading(household[fine], statements[fine], dead, linked) if dead else Reading(household, statements, dead, linked)


def _framed(records: Joined, word: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which records are in framing V0 with a key of 16 bytes and no headers, shape (records,)."""
    no_headers = (word[records.value + np.maximum(records.value_length, 0)] & np.uint64(0xFF)) == 0
    zero = (word[records.value] & np.uint64(0xFF)) == 0
    return np.asarray(no_headers & zero & (records.value_length > FRAME) & (records.key_length == 16))


def _schema_ids(word: NDArray[np.uint64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the four bytes after the zero, big-endian, as numbers."""
    little = (word[at] >> np.uint64(8)).astype(np.uint32)
    return little.byteswap().astype(np.int64)


def _read_rows(
    plan: Plan,
    rows: NDArray[np.int64],
    records: Joined,
    word: NDArray[np.uint64],
    blocks: Sequence[BlockFrom],
    reference: Reference,
    limits: Limits,
    household: NDArray[np.uint64],
    statements: Packed,
    fine: NDArray[np.bool_],
) -> list[Links]:
    """Fill in what columns can prove of the records `rows`, all of one writer's schema, and return their links, if they make any."""
    at = records.value[rows]
    columns, odd = read_columns(plan, records.raw, at + FRAME, at + records.value_length[rows])
    if any(name not in columns for name in WANTED):
        return []
    identity = columns["household"].value
    # Odd records were read from anywhere; their positions are only kept inside the bytes.
    identity = np.where(odd, at, identity)
    first, second = word[identity].byteswap(), word[identity + 8].byteswap()
    key = records.key[rows]
    good = ~odd & (first == word[key].byteswap()) & (second == word[key + 8].byteswap())
    good &= ~_holds_many_digits(word, records, rows)
    tables = _tables(reference)
    block = records.block[rows]
    regency = np.array([number_of(one.regency) for one in blocks], np.int64)[block]
    arrived = (np.array([one.block.timestamp_ms for one in blocks], np.int64)[block] + _EAST_MS) // _DAY_MS
    good &= _find(tables.regency, columns["region"], word, good) == regency
    claimant = _find(tables.claimant, columns["source"], word, good, regency)
    good &= claimant != NOT_FOUND
    village, lives = _villages(columns["residence.village"], tables, word, good, regency, reference)
    good &= lives
    size, expenditure = columns["composition.size"].value, columns["welfare.expenditure"].value
    day, mapping = columns["valid_from"].value, columns["mapping_version"].value
    good &= (size == NULL) | ((size >= 1) & (size <= limits.household_size))
    good &= (expenditure == NULL) | ((expenditure >= 0) & (expenditure <= GREATEST_EXPENDITURE))
    good &= (day >= day_number(EARLIEST)) & (day <= arrived + limits.days_ahead) & (np.abs(mapping) < 1 << 31)
    links = _links(columns, word, first, second, good)
    rows = rows[good]
    household[rows, 0], household[rows, 1] = first[good], second[good]
    target = np.empty(len(rows), STATEMENT)
    target["valid_from"], target["claimant"], target["revision"] = day[good], claimant[good], columns["revision"].value[good]
    target["mapping_version"], target["operation"] = mapping[good], columns["operation"].value[good]
    target["modelled"] = columns["welfare.basis"].value[good] == 1
    target["size"], target["village"] = _or_nothing(size[good]), village[good]
    target["expenditure"] = _or_nothing(expenditure[good])
    statements[rows] = target
    fine[rows] = True
    return links


def _links(
    columns: dict[str, Column], word: NDArray[np.uint64], first: NDArray[np.uint64], second: NDArray[np.uint64], good: NDArray[np.bool_]
) -> list[Links]:
    """Return the links of good records, if there are any; those of which admission may say no are good no longer."""
    if "previous_household" not in columns:
        return []
    at = columns["previous_household"].value
    rows = np.flatnonzero(good & (at != NULL))
    if not len(rows):
        return []
    names = np.stack((word[at[rows]].byteswap(), word[at[rows] + 8].byteswap(), first[rows], second[rows]), axis=1)
    version = columns["key_version"].value[rows]
    usual = (names[:, :2] != names[:, 2:]).any(axis=1) & names[:, :2].any(axis=1) & (version >= 1) & (version < 1 << 31)
    good[rows[~usual]] = False
    return [Links(names[usual, :2], names[usual, 2:], version[usual])]


def _or_nothing(value: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(value == NULL, NOTHING, value)


@dataclass(frozen=True)
class _Tables:
    """Look-up tables of one version of the reference data."""

    regency: TextTable
    claimant: TextTable
    village: TextTable


@lru_cache(maxsize=4)
def _tables_of(key: "_Same") -> _Tables:
    reference = key.reference
    regencies = sorted({one.region for one in reference.registrations})
    return _Tables(
        regency=TextTable(regencies, [number_of(code) for code in regencies]),
        claimant=TextTable(
            [one.source for one in reference.registrations],
            [one.claimant for one in reference.registrations],
            [number_of(one.region) for one in reference.registrations],
        ),
        village=TextTable([one.code for one in reference.villages], list(range(len(reference.villages)))),
    )


class _Same:
    """A reference, equal only to itself: a value that changes gets new tables."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.reference is other.reference

    def __hash__(self) -> int:
        return id(self.reference)


def _tables(reference: Reference) -> _Tables:
    return _tables_of(_Same(reference))


def _find(
    table: TextTable, column: Column, word: NDArray[np.uint64], good: NDArray[np.bool_], extra: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return the number of each text of a column, `NOT_FOUND` where it is null or unknown; only `good` positions may be followed."""
    there = good & (column.value != NULL)
    low, high = text_words(word, np.where(there, column.value, 0), np.where(there, column.length, 0))
    return np.where(there, table.find(low, high, extra), NOT_FOUND)


def _villages(
    column: Column, tables: _Tables, word: NDArray[np.uint64], good: NDArray[np.bool_], regency: NDArray[np.int64], reference: Reference
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each record's village as the number of its code (`NOTHING` where it says none), and whether that is in order."""
    place = _find(tables.village, column, word, good)
    silent = column.value == NULL
    if not len(reference.villages):
        return np.full(len(place), NOTHING), silent
    inside = (place != NOT_FOUND) & (reference.village_regency[place] == regency)
    return np.where(silent, NOTHING, reference.village_number[place]), silent | inside


def _holds_many_digits(word: NDArray[np.uint64], records: Joined, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """
    Return which records hold eight digits in a row at some multiple of eight bytes.

    Sixteen digits in a row, wherever they begin, cover one such multiple whole.
    """
    aligned = word[::8]
    digits = ((aligned & _HIGH_HALVES) == _DIGITS) & (((aligned + _SIX) & _HIGH_HALVES) == _DIGITS)
    found = np.zeros(len(rows), bool)
    where = np.flatnonzero(digits) * 8
    if len(where):
        holder = np.searchsorted(records.value, where, "right") - 1
        suspect = np.zeros(len(records.value), bool)
        for shift in (0, 1):  # a run may begin in one record's bytes and be noticed at its neighbour's
            suspect[np.clip(holder + shift, 0, len(suspect) - 1)] = True
        found = suspect[rows]
    return found

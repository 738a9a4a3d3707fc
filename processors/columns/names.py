"""
Names on arrays: which names links connect to one household, and by which it goes; `law.households` for a whole batch at once.

Why: while keys are rotated every event of a region carries a link.
Must not: mean anything else than processors/law.py; know where links are held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from processors.columns.households import Halves, distinct_households, numbers_of

__all__ = ["LINK_BYTES", "NO_LINKS", "Links", "Rows", "distinct_names", "household_numbers"]

Rows = NDArray[np.int64]
_PACKED = np.dtype([("previous", ">u8", 2), ("household", ">u8", 2), ("key_version", ">i4")])
LINK_BYTES = _PACKED.itemsize
"""Bytes that PostgreSQL keeps of each link: both names, and the version of the newer one's key, big-endian."""


@dataclass(frozen=True, slots=True)
class Links:
    """Links as columns: `previous` (links, 2) and `household` (links, 2) in halves, `key_version` (links,)."""

    previous: Halves
    household: Halves
    key_version: Rows

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.key_version)

    @classmethod
    def joined(cls, parts: Sequence["Links"]) -> Self:
        """Return all of several, in their order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """Return links as they are held."""
        rows = np.frombuffer(packed, _PACKED)
        return cls(rows["previous"].astype(np.uint64), rows["household"].astype(np.uint64), rows["key_version"].astype(np.int64))

    def packed(self) -> NDArray[np.void]:
        """Return links as they are held, each `LINK_BYTES` long, shape (links,)."""
        rows = np.empty(len(self), _PACKED)
        rows["previous"], rows["household"], rows["key_version"] = self.previous, self.household, self.key_version
        return rows

    def taken(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Links":
        """Return some of them."""
        return Links(self.previous[rows], self.household[rows], self.key_version[rows])

    def distinct(self) -> "Links":
        """Return each once, growing by household, key version and previous."""
        columns = (self.previous[:, 1], self.previous[:, 0], self.key_version, self.household[:, 1], self.household[:, 0])
        order = np.lexsort(columns)
        new = np.ones(len(order), bool)
        new[1:] = np.any([column[order[1:]] != column[order[:-1]] for column in columns], axis=0)
        return self.taken(order[new])

    def without(self, known: "Links") -> "Links":
        """Return those that are not among the ones known."""
        if not len(known):
            return self
        held = {*_single(known)}
        return self.taken(np.array([one not in held for one in _single(self)], bool))

    def names(self) -> Halves:
        """Return all names that they speak of, (2 x links, 2)."""
        return np.concatenate((self.previous, self.household))


NO_LINKS = Links(np.empty((0, 2), np.uint64), np.empty((0, 2), np.uint64), np.empty(0, np.int64))


def _single(links: Links) -> list[bytes]:
    raw = links.packed().tobytes()
    return [raw[at : at + LINK_BYTES] for at in range(0, len(raw), LINK_BYTES)]


def household_numbers(names: Halves, links: Links) -> Rows:
    """
    Return for each of the names (n, 2), distinct and growing, the number of the name by which its household goes, shape (n,).

    All names that links speak of are among them. Each round lets a name take the least number that it sees, and doubles how far it sees.
    """
    group = np.arange(len(names))
    if not len(links):
        return group
    previous, household = numbers_of(links.previous, names), numbers_of(links.household, names)
    while True:
        least = np.minimum(group[previous], group[household])
        now = group.copy()
        np.minimum.at(now, group[previous], least)
        np.minimum.at(now, group[household], least)
        now = now[now]
        if (now == group).all():
            break
        group = now
    version = np.zeros(len(names), np.int64)
    np.maximum.at(version, household, links.key_version)
    order = np.lexsort((np.arange(len(names)), -version, group))
    first = np.concatenate(([True], group[order[1:]] != group[order[:-1]]))
    goes_by = np.empty(len(names), np.int64)
    goes_by[order] = order[first][np.cumsum(first) - 1]
    return goes_by


def distinct_names(parts: Sequence[Halves]) -> Halves:
    """Return the distinct names of several, growing."""
    return distinct_households(np.concatenate(parts))[0]

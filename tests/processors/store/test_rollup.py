"""Sums of cell changes on arrays, held equal to sums made one by one."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.columns.cells import CellChanges
from processors.indicators.catalogue import MEASURES
from processors.store.rollup import RegionTree, SumsTooLarge, marks_of, rolled_up, total

# Nation 1; provinces 2, 3; regencies 4 (in 2), 5 (in 3); districts 6 (in 4), 7 (in 5); villages 8, 9 (in 6), 10 (in 7), and 11 (in 5).
PARENT = (0, 0, 1, 1, 2, 3, 4, 5, 6, 6, 7, 5)
LEVEL = (5, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4)
TREE = RegionTree(1, np.array(PARENT, np.int64), np.array(LEVEL, np.int64))
ENTRY = st.tuples(st.integers(8, 11), st.integers(0, 1), st.integers(600, 603))
BATCH = st.dictionaries(ENTRY, st.integers(-(1 << 40), 1 << 40), max_size=8)
Sums = dict[int, tuple[int, ...]]


def changes(batch: dict[tuple[int, int, int], int]) -> CellChanges:
    """Return a batch as arrays; the second measure is the first doubled, and so on."""
    keys = sorted(region << 13 | urban << 12 | month for region, urban, month in batch)
    amounts = [[batch[key >> 13, key >> 12 & 1, key & 4095] * place for place in range(1, len(MEASURES) + 1)] for key in keys]
    return CellChanges(np.array(keys, np.int64), np.array(amounts, np.int64).reshape(-1, len(MEASURES)))


def sums(found: CellChanges) -> Sums:
    """Return cells by key, without those of zeros; keys must be distinct and growing."""
    assert (np.diff(found.keys) > 0).all()
    return {key: tuple(row) for key, row in zip(found.keys.tolist(), found.amounts.tolist(), strict=True) if any(row)}


def added_up(batches: list[dict[tuple[int, int, int], int]]) -> Sums:
    """Return the sums of all levels, made one by one."""
    expected: defaultdict[int, int] = defaultdict(int)
    for batch in batches:
        for (region, urban, month), amount in batch.items():
            at = region
            while at:
                expected[at << 13 | urban << 12 | month] += amount
                at = PARENT[at]
    return {key: tuple(amount * place for place in range(1, len(MEASURES) + 1)) for key, amount in expected.items() if amount}


@given(st.lists(BATCH, max_size=5))
def test_batches_add_up_on_every_level(batches: list[dict[tuple[int, int, int], int]]) -> None:
    """However batches overlap and regions nest, each cell is the sum of its villages' changes."""
    assert sums(rolled_up(total([changes(batch) for batch in batches]), TREE)) == added_up(batches)


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_that_might_pass_64_bits_are_refused(sign: int) -> None:
    """They would wrap without a word; each of them fits, and what adds them up names the measure."""
    place = len(MEASURES)  # the last measure is so many times the first
    batch = {(village, 0, 600): sign * (1 << 61) // place for village in (8, 9, 10)}

    with pytest.raises(SumsTooLarge, match=r"the sums of [a-z_]+ pass 64 bits"):
        rolled_up(changes(batch), TREE)
    with pytest.raises(SumsTooLarge):
        total([changes({one: amount}) for one, amount in batch.items()])
    assert rolled_up(changes({(8, 0, 600): sign * (1 << 61) // place}), TREE)


@given(BATCH)
def test_marks_name_regencies_and_above_from_their_first_changed_month(batch: dict[tuple[int, int, int], int]) -> None:
    """Marked is what leaves the house and did change, once by region and urbanisation, with the least month."""
    marks = marks_of(rolled_up(changes(batch), TREE), TREE)
    expected: dict[tuple[int, int], int] = {}
    for key in added_up([batch]):
        if LEVEL[key >> 13] <= 2:
            place = key >> 13, key >> 12 & 1
            expected[place] = min(expected.get(place, 9999), key & 4095)

    assert dict(zip(zip(marks.region.tolist(), marks.urban.tolist(), strict=True), marks.from_month.tolist(), strict=True)) == expected

"""Columns mean what the law means, on random histories, in any order, cut and repetition."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.columns import states
from processors.columns.cells import changes_from_nothing
from processors.columns.merge import merge
from processors.columns.statements import STATEMENT, Packed, pack, unpack
from processors.indicators.catalogue import MEASURES
from processors.law import Cells, Statement, cell_changes, kept
from tests.worlds import REFERENCE, histories

HOUSEHOLDS = 3
Said = list[tuple[int, Statement]]


def by_the_law(said: Said) -> Cells:
    """Return the cells of a history by the definition."""
    total: dict[tuple[str, str, int], list[int]] = {}
    for number in range(HOUSEHOLDS):
        for key, amounts in cell_changes(kept(one for of, one in said if of == number), REFERENCE).items():
            row = total.setdefault(key, [0] * len(MEASURES))
            for place, amount in enumerate(amounts):
                row[place] += amount
    return {key: tuple(row) for key, row in total.items() if any(row)}


def named(keys: Sequence[int], amounts: Sequence[Sequence[int]]) -> Cells:
    """Return cells with their villages' codes instead of keys."""
    code = {one.id: one.code for one in REFERENCE.villages}
    rows = zip(keys, amounts, strict=True)
    return {(code[key >> 13], "urban" if key >> 12 & 1 else "rural", key & 4095): tuple(row) for key, row in rows}


class Held:
    """What a database would hold: packed statements by household, and the cells."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.households: dict[int, Packed] = {}
        self.cells: dict[tuple[str, str, int], list[int]] = {}

    def take(self, batch: Said) -> None:
        """Merge one batch."""
        if not batch:
            return
        numbers = sorted({number for number, _ in batch})
        said_of = np.array([numbers.index(number) for number, _ in batch], np.int64)
        held = [self.households.get(number, np.empty(0, STATEMENT)) for number in numbers]
        held_of = np.repeat(np.arange(len(numbers)), [len(rows) for rows in held])
        rows = np.empty(sum(map(len, held)), STATEMENT)
        if len(rows):
            rows[:] = np.concatenate(held)
        done = merge(len(numbers), pack((one for _, one in batch), REFERENCE), said_of, rows, held_of, REFERENCE)
        for place in done.changed.tolist():
            self.households[numbers[place]] = done.statements[done.household == place]
        for key, amounts in named(done.cells.keys.tolist(), done.cells.amounts.tolist()).items():
            row = self.cells.setdefault(key, [0] * len(MEASURES))
            for at, amount in enumerate(amounts):
                row[at] += amount

    def all_cells(self) -> Cells:
        """Return the cells that are not nothing."""
        return {key: tuple(row) for key, row in self.cells.items() if any(row)}


@given(histories(), st.data())
@settings(max_examples=400, deadline=None)
def test_any_cut_order_and_repetition_gives_the_laws_cells(said: Said, data: st.DataObject) -> None:
    """However statements are cut into batches, ordered and repeated, the cells are the law's."""
    repeated = said + (data.draw(st.lists(st.sampled_from(said), max_size=6)) if said else [])
    delivered = data.draw(st.permutations(repeated))
    held = Held()
    while delivered:
        cut = data.draw(st.integers(1, len(delivered)))
        held.take(delivered[:cut])
        delivered = delivered[cut:]

    assert held.all_cells() == by_the_law(said)


@given(histories())
@settings(max_examples=200, deadline=None)
def test_from_nothing_equals_the_law(said: Said) -> None:
    """Cells recomputed from the statements that stand are the law's, in whatever order those are given."""
    rows = [(number, one) for number in range(HOUSEHOLDS) for one in kept(one for of, one in said if of == number)]
    changes = changes_from_nothing(pack((one for _, one in rows), REFERENCE), np.array([number for number, _ in rows], np.int64), REFERENCE)

    assert named(changes.keys.tolist(), changes.amounts.tolist()) == by_the_law(said)


@given(histories(households=1))
@settings(max_examples=100, deadline=None)
def test_households_with_many_claims_go_to_the_law(said: Said) -> None:
    """Households beyond the limit of claims take the way of the definition and end alike."""
    limit = states.MANY_CLAIMS
    states.MANY_CLAIMS = 1
    try:
        held = Held()
        held.take(said)
        assert held.all_cells() == by_the_law(said)
    finally:
        states.MANY_CLAIMS = limit


@given(histories(households=1))
def test_packing_loses_nothing(said: Said) -> None:
    """Statements packed and unpacked are the same statements."""
    only = [one for _, one in said]

    assert unpack(pack(only, REFERENCE), REFERENCE) == only

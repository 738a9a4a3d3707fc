"""The merge keeps what the law keeps, also where everything but the content is equal, and says what changed."""

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.columns.merge import merge
from processors.columns.statements import STATEMENT, Packed, pack, unpack
from processors.law import Statement, kept
from schemas.events import Operation
from tests.worlds import REFERENCE

_TIED = st.builds(
    Statement,
    region=st.just("91.01"),
    source=st.sampled_from(["alpha", "beta"]),
    valid_from=st.sampled_from([date(2020, 1, 1), date(2020, 5, 1)]),
    revision=st.sampled_from([1, 1, 1, 2, -(2**63), 2**63 - 1]),
    mapping_version=st.sampled_from([1, 1, 2, -(2**31), 2**31 - 1]),
    operation=st.sampled_from(list(Operation)),
    village=st.sampled_from([None, "91.01.01.1001", "91.01.01.2002"]),
    size=st.sampled_from([None, 1, 2]),
    expenditure=st.sampled_from([None, 0, 10**12]),
    modelled=st.booleans(),
)
"""Statements that differ in one thing or another and are equal in the rest."""


def merged(said: list[Statement], held: list[Statement]) -> tuple[list[Statement], bool]:
    """Return what stands of one household after a merge, sorted, and whether it is told as changed."""
    rows = pack(held, REFERENCE)
    done = merge(1, pack(said, REFERENCE), np.zeros(len(said), np.int64), rows, np.zeros(len(rows), np.int64), REFERENCE)
    if not len(done.changed):
        assert len(done.statements) == len(done.cells.keys) == 0
        return held, False
    assert done.changed.tolist() == [0]
    return unpack(done.statements, REFERENCE), True


@given(st.lists(_TIED, min_size=1, max_size=8), st.lists(_TIED, max_size=4))
@settings(max_examples=400, deadline=None)
def test_ties_are_settled_as_by_the_law(said: list[Statement], before: list[Statement]) -> None:
    """Of equal revisions the greater mapping version stands, of equal ones the greater content, field by field."""
    held = kept(before)
    now, changed = merged(said, held)

    assert set(kept([*held, *said])) == set(now)
    assert changed == (set(now) != set(held))
    assert len(now) == len({(one.claim, one.valid_from) for one in now})


@given(st.lists(_TIED, min_size=1, max_size=6))
@settings(deadline=None)
def test_what_stands_said_again_changes_nothing(said: list[Statement]) -> None:
    """A duplicate of what is held is no change, so no row is written for it."""
    held, _ = merged(said, [])

    assert (held, False) == merged([*held, *said], held)


@given(st.lists(st.tuples(st.integers(0, 2), _TIED), min_size=1, max_size=12))
@settings(deadline=None)
def test_households_are_kept_apart(said: list[tuple[int, Statement]]) -> None:
    """Statements of several households in one batch are those of each alone, in the order by household, date and claimant."""
    none: Packed = np.empty(0, STATEMENT)
    numbers = np.array([number for number, _ in said], np.int64)
    done = merge(3, pack((one for _, one in said), REFERENCE), numbers, none, np.empty(0, np.int64), REFERENCE)

    assert sorted(set(numbers.tolist())) == done.changed.tolist()
    order = list(zip(done.household.tolist(), done.statements["valid_from"].tolist(), done.statements["claimant"].tolist(), strict=True))
    assert sorted(order) == order
    for number in done.changed.tolist():
        alone = kept(one for of, one in said if of == number)
        assert set(alone) == set(unpack(done.statements[done.household == number], REFERENCE))

"""Whether a statement counts already: for each one what the law says, whatever else of its household is held or said."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.columns.statements import STATEMENT, pack
from processors.law import Statement, kept
from processors.store.receipts import would_change
from tests.worlds import REFERENCE, histories

Said = list[tuple[int, Statement]]


@given(histories(), histories(), st.data())
def test_a_statement_that_counts_changes_nothing(merged: Said, more: Said, data: st.DataObject) -> None:
    """A statement changes something exactly where the law, of what is held and of it, keeps something else than what is held."""
    said = data.draw(st.permutations([*merged, *more]))
    households = sorted({number for number, _ in said})
    standing = {number: kept(one for of, one in merged if of == number) for number in households}
    held = [(number, one) for number in households for one in standing[number]]
    rows = np.empty(len(held), STATEMENT)
    if held:
        rows[:] = pack((one for _, one in held), REFERENCE)
    changed = would_change(
        pack((one for _, one in said), REFERENCE) if said else np.empty(0, STATEMENT),
        np.array([number for number, _ in said], np.int64),
        rows,
        np.array([number for number, _ in held], np.int64),
        REFERENCE,
    )

    assert changed.tolist() == [set(kept([*standing[number], one])) != set(standing[number]) for number, one in said]
    assert not any(one for one, (number, said_one) in zip(changed.tolist(), said, strict=True) if said_one in standing[number])

"""Tests of the welfare curve: the indices that it was solved for."""

import pytest

from deploy.demo.official import target
from deploy.demo.places import DKI, JEMBRANA
from deploy.demo.welfare import Curve, gini


@pytest.mark.parametrize("region", [DKI, JEMBRANA])
def test_the_curve_has_the_indices_that_it_was_solved_for(region: str) -> None:
    """P0, P1 and P2 by summing over many even ranks equal the target to a thousandth, Gini to a hundredth."""
    told = target(region)
    curve = Curve(told)
    ranks = 200_000
    multiples = [curve.multiple((rank + 0.5) / ranks) for rank in range(ranks)]
    gaps = [1 - multiple for multiple in multiples if multiple < 1]

    assert len(gaps) / ranks == pytest.approx(told.p0, rel=1e-3)
    assert sum(gaps) / ranks == pytest.approx(told.p1, rel=1e-3)
    assert sum(gap**2 for gap in gaps) / ranks == pytest.approx(told.p2, rel=1e-3)
    assert gini(multiples) == pytest.approx(told.gini, rel=1e-2)


def test_more_rank_is_never_less_welfare() -> None:
    """The curve rises from the poorest to the richest and passes the line without a jump."""
    told = target(DKI)
    curve = Curve(told)
    multiples = [curve.multiple((rank + 0.5) / 10_000) for rank in range(10_000)]

    assert multiples == sorted(multiples)
    assert multiples[0] > 0
    assert curve.multiple(told.p0 - 1e-6) == pytest.approx(curve.multiple(told.p0 + 1e-6), abs=1e-3)

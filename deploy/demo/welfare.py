"""
How welfare is spread over a population: expenditure per person, as a multiple of the poverty line, by rank.

Why: P0, P1, P2 and Gini are set, not hoped for: below the line the gaps follow a power law with a few very poor beside it, solved for
the three indices in closed form; above it a lognormal takes over without a jump, its spread solved for the Gini.
Must not: draw at random: a population takes ranks at even distances, so its figures do not depend on luck.
"""

from math import exp, sqrt
from statistics import NormalDist

from deploy.demo.official import Target

__all__ = ["Curve", "gini"]

_VERY_POOR = 0.015
"""Share of the poor far below the line: without them nobody would be extremely poor, with many the rest would have hardly any gap."""
_DEEPEST, _SHALLOWEST = 0.70, 0.50
_GRID = 2_000
_STEPS = 40
_NORMAL = NormalDist()


class Curve:
    """Multiples of the poverty line by rank, for one region's official figures."""

    __slots__ = ("_at_line", "_greatest_gap", "_p0", "_power", "_sigma")

    def __init__(self, told: Target) -> None:
        """Solve for the figures told."""
        deep = (_DEEPEST + _SHALLOWEST) / 2
        deep_square = deep**2 + (_DEEPEST - _SHALLOWEST) ** 2 / 12
        mean = (told.p1 / told.p0 - _VERY_POOR * deep) / (1 - _VERY_POOR)
        square = (told.p2 / told.p0 - _VERY_POOR * deep_square) / (1 - _VERY_POOR)
        ratio = square / mean**2  # of gap = c w^k, w even in 0..1: mean c/(k+1), mean square c^2/(2k+1)
        self._p0 = told.p0
        self._power = ratio - 1 + sqrt(ratio * (ratio - 1))
        self._greatest_gap = mean * (self._power + 1)
        self._at_line = _NORMAL.inv_cdf(told.p0)
        self._sigma = self._solved(told.gini)

    def multiple(self, rank: float) -> float:
        """Return expenditure per person at a rank (0 the poorest, 1 the richest; not the bounds themselves) in multiples of the line."""
        if rank >= self._p0:
            return exp(self._sigma * (_NORMAL.inv_cdf(rank) - self._at_line))
        among_poor = rank / self._p0
        if among_poor < _VERY_POOR:
            return 1 - _DEEPEST + (_DEEPEST - _SHALLOWEST) * among_poor / _VERY_POOR
        return 1 - self._greatest_gap * float(((1 - among_poor) / (1 - _VERY_POOR)) ** self._power)

    def _solved(self, wanted: float) -> float:
        """Return the lognormal's spread with which the whole curve has the Gini wanted, by bisection."""
        ranks = [(step + 0.5) / _GRID for step in range(_GRID)]
        self._sigma = 1.0
        below = [self.multiple(rank) for rank in ranks if rank < self._p0]
        above = [_NORMAL.inv_cdf(rank) - self._at_line for rank in ranks if rank >= self._p0]
        low, high = 0.1, 3.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if gini(below + [exp(middle * distance) for distance in above]) < wanted:
                low = middle
            else:
                high = middle
        return (low + high) / 2


def gini(rising: list[float]) -> float:
    """
    Return the Gini coefficient of values in rising order, each weighing the same: 2 sum j y_j / (n sum y) - (n + 1) / n.

    >>> abs(gini([200, 350, 500, 650, 900, 1200, 1500, 2600]) - 249 / 632) < 1e-15
    True
    """
    count = len(rising)
    return 2 * sum(place * value for place, value in enumerate(rising, 1)) / (count * sum(rising)) - (count + 1) / count

"""
What the simulated world asks of each regional system, whatever it is made of.

Why: life and moves are told to systems in one way; how each reports them is its own.
Must not: know a system.
"""

from typing import Protocol

from deploy.demo.household import Household

__all__ = ["System"]


class System(Protocol):
    """One regional system, told of life by the world; it decides what it says of it, when, and how wrongly at first."""

    region: str
    """The region of its households: a province or a regency."""
    always_counts: bool
    """Whether it asks every household that it takes in for its size."""

    @property
    def held(self) -> int:
        """How many reports are held back."""

    def begin(self, households: list[Household]) -> None:
        """Report the first population of the region."""

    def may_go(self, one: Household) -> bool:
        """Tell whether a household of the region may move away now."""

    def may_end(self, one: Household) -> bool:
        """Tell whether a household of the region may be no more from now on."""

    def may_come(self, one: Household, village: str) -> bool:
        """Tell whether a household of another region may come to live in a village now."""

    def strike_off(self, one: Household) -> bool:
        """Make ready for the end of a household that lives elsewhere; tell whether that can be now."""

    def come(self, one: Household, *, members: bool, welfare: bool) -> None:
        """Take in a household that lives in the region from today on; what need not be asked of it may be left out."""

    def go(self, one: Household, village: str) -> None:
        """Hear, or not, that a household of the region moves to `village` today."""

    def tell(self, one: Household, *, members: bool, welfare: bool, departed: tuple[tuple[int, str], ...]) -> None:
        """Hear what happened today to a household of the region."""

    def dissolve(self, one: Household, village: str) -> None:
        """Hear that a household is no more since today; `village` is where it lived last, maybe in another region."""

    def close_month(self, month: int) -> None:
        """Hear that a month (days.py) has ended."""

    def release(self) -> None:
        """Report what is due by now."""

    def flush(self) -> None:
        """Report everything that is held back."""

"""
Households for tests of the simulated registers.

Why: a household has many facts, and a test is about one or two of them.
Must not: be random.
"""

from datetime import date

from deploy.demo.days import month_of
from deploy.demo.household import Household, card_number

__all__ = ["household"]


def household(serial: int, village: str, members: list[int], since: date, expenditure: int = 2_000_000) -> Household:
    """Return a household whose size and expenditure are known, as it is since a day."""
    return Household(
        serial=serial,
        card=card_number(serial, since),
        village=village,
        slot=0,
        members=members,
        size_known=True,
        expenditure=expenditure,
        modelled=False,
        day=since,
        moved=month_of(since),
    )

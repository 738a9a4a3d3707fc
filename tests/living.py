"""
Who lives by the law, after all that was said: households by the serials of their invented cards.

Why: what counts is what the office would hold, whatever was sent, read twice, by halves or under which key.
Must not: know what should be held: tests do.
"""

from collections.abc import Iterable
from datetime import date

from processors.law import Link, Statement, by_household, kept, visible
from producers.pseudonym import Pseudonyms
from schemas.events import Operation
from tests.producers.samples import KEY, NEW_KEY, card

__all__ = ["living"]


def living(
    said: Iterable[tuple[bytes, Statement]], links: Iterable[Link], serials: int = 10_000, day: date = date(2100, 1, 1)
) -> dict[int, int]:
    """
    Return the households that live on a day, by the serials of their cards, with their sizes; none stands there twice.

    Statements come with the names under which they were said; cards have serials from 1 to below the number given.
    """
    known = {Pseudonyms(key, 1).family_card(card(serial)): serial for key in (KEY, NEW_KEY) for serial in range(1, serials)}
    found: dict[int, int] = {}
    for household, statements in by_household(said, links).items():
        newest = [one for one in visible(kept(statements)) if one.valid_from <= day]
        if newest and newest[-1].operation is not Operation.END:
            assert known[household] not in found, "one household counts under two names"
            found[known[household]] = newest[-1].size or 0
    return found

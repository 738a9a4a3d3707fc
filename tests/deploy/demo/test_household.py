"""Tests of what a household's facts say of its months."""

from datetime import date

from deploy.demo.days import month_of
from deploy.demo.household import Fact, Span, card_number, spans

JANUARY = month_of(date(2024, 1, 1))


def fact(month: int, day: int, village: str | None, size: int, expenditure: int | None) -> Fact:
    """Return what is so from a day of 2024 on; nothing is modelled."""
    return Fact(date(2024, month, day), village, size, expenditure, modelled=False)


def span(first: int, until: int | None, size: int, expenditure: int | None, village: str = "a") -> Span:
    """Return a span of months, counted from January 2024."""
    return Span(JANUARY + first, None if until is None else JANUARY + until, village, size, expenditure, modelled=False)


def test_a_month_stands_as_it_ends() -> None:
    """Of two facts in one month only the later shows; the state then goes on."""
    facts = [
        fact(1, 3, "a", 2, 100),
        fact(1, 31, "b", 3, 100),
        fact(4, 1, "b", 3, 90),
    ]

    assert list(spans(facts)) == [span(0, 3, 3, 100, "b"), span(3, None, 3, 90, "b")]


def test_what_is_undone_within_a_month_does_not_show() -> None:
    """A change that is taken back before the month ends leaves one span."""
    facts = [
        fact(1, 3, "a", 2, 100),
        fact(2, 5, "a", 2, 200),
        fact(2, 9, "a", 2, 100),
    ]

    assert list(spans(facts)) == [span(0, None, 2, 100)]


def test_a_household_that_is_no_more_has_no_span() -> None:
    """From the month of its end on a household is nowhere; one that begins and ends within a month never was."""
    ended = [fact(1, 3, "a", 2, None), fact(3, 5, None, 2, None)]
    brief = [fact(1, 3, "a", 2, None), fact(1, 5, None, 2, None)]

    assert list(spans(ended)) == [span(0, 2, 2, None)]
    assert list(spans(brief)) == []


def test_no_card_is_a_placeholder_and_none_is_twice() -> None:
    """However many cards there are, each is another, and none has a serial that stands for nobody's card."""
    cards = {card_number(serial, date(2024, 4, 9)) for serial in range(40_000)}

    assert len(cards) == 40_000
    assert not any(card.endswith(("0000", "9999")) for card in cards)

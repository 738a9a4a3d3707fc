"""Tests of Smart Kampung's register: what it does to rows, transaction by transaction."""

from datetime import date
from random import Random
from typing import Any

from deploy.demo.clock import Clock
from deploy.demo.days import month_of
from deploy.demo.household import Fact, Household
from deploy.demo.kampung import Delete, KampungRegister, Put, Rekey, Touch, Widen
from deploy.demo.places import BANYUWANGI
from deploy.demo.register import END, UPSERT, Saying
from tests.deploy.demo.samples import household
from tests.deploy.demo.tables import Tables
from tests.deploy.demo.test_carik_register import Lucky, Unlucky

HERE, THERE, ELSEWHERE = "35.10.01.2001", "35.10.01.2002", "31.74.01.1001"
SINCE, THEN, LATER = date(2024, 1, 1), date(2024, 4, 5), date(2024, 4, 9)
DAY = 86_400_000_000


def register(chance: Random) -> tuple[KampungRegister, Clock]:
    """Return a register without rows at the beginning of April 2024."""
    clock = Clock(date(2024, 4, 1), date(2026, 10, 31), 1_000)
    return KampungRegister(clock, chance, [HERE, THERE]), clock


def living(serial: int = 0) -> Household:
    """Return a family that lives here since January, and is known so."""
    one = household(serial, HERE, [0, 1, 2], SINCE)
    one.note(SINCE)
    return one


def done(kampung: KampungRegister) -> list[tuple[date, int | None, bool] | str]:
    """Return what was done: of rows their day, expenditure and whether they are marked as wrong; of others their name."""
    found: list[tuple[date, int | None, bool] | str] = []
    for transaction in kampung.log:
        for op in transaction:
            row = op.row if isinstance(op, Put | Rekey) else None
            found.append((row.fact.day, row.fact.expenditure, row.cancelled) if row else type(op).__name__)
    return found


def spends(one: Household, day: date, amount: int) -> None:
    """Let a family spend another amount from a day on."""
    one.expenditure = amount
    one.note(day)


def test_what_comes_late_is_followed_by_all_that_is_true_since() -> None:
    """A change told late sets the row back to its day, then forward to the present, in one transaction."""
    kampung, clock = register(Unlucky(1))
    one = living()
    kampung.begin([one])
    spends(one, THEN, 700_000)
    kampung.tell(one, members=False, welfare=True, departed=())
    spends(one, LATER, 800_000)
    assert len(done(kampung)) == 1

    clock.now += 70 * DAY
    kampung.release()

    assert done(kampung)[1:3] == [(THEN, 700_000, False), (LATER, 800_000, False)]


def test_an_end_tells_its_day_before_the_row_is_gone_and_all_that_was_held_back_before_that() -> None:
    """In one transaction the row is given the day of the end and deleted; what was held back came before."""
    kampung, _ = register(Unlucky(2))
    one = living()
    kampung.begin([one])
    spends(one, THEN, 700_000)
    kampung.tell(one, members=False, welfare=True, departed=())
    one.village = None
    one.note(LATER)
    kampung.end(one, one.stays[BANYUWANGI], LATER)
    assert len(done(kampung)) == 1

    kampung.flush()

    assert done(kampung)[1:] == [(THEN, 700_000, False), (THEN, 700_000, False), (LATER, 700_000, False), "Delete"]
    assert [isinstance(op, Delete) for op in kampung.log[-1]] == [False, True]


def test_a_statement_taken_back_leaves_the_row_as_it_is_true() -> None:
    """The row is marked on the day of what was wrong, and then says how the family is."""
    kampung, _ = register(Lucky(3))
    one = living()
    kampung.begin([one])
    kampung.mistake(Saying(one, HERE, 0, THEN, UPSERT, welfare=(9_000_000, False)))
    kampung.flush()

    assert done(kampung)[1:] == [(THEN, 9_000_000, False), (THEN, 2_000_000, True), (SINCE, 2_000_000, False)]


def test_a_family_struck_off_by_mistake_is_entered_again() -> None:
    """The END is taken back by a row with its day, marked as wrong; then the row says how the family is."""
    kampung, _ = register(Lucky(4))
    one = living()
    kampung.begin([one])
    kampung.mistake(Saying(one, HERE, 0, THEN, END))
    kampung.flush()

    assert done(kampung)[1:] == [(THEN, 2_000_000, False), "Delete", (THEN, 2_000_000, True), (SINCE, 2_000_000, False)]


def test_a_family_that_never_lived_here_ends_marked_as_wrong_or_removed() -> None:
    """Nothing is entered for it but what was wrong."""
    ends = set()
    for luck in (Lucky(5), Unlucky(5)):
        kampung, _ = register(luck)
        one = household(0, ELSEWHERE, [0, 1], SINCE)
        one.note(SINCE)
        kampung.mistake(Saying(one, THERE, 0, THEN, UPSERT, welfare=(900_000, True)))
        kampung.flush()
        tables = Tables(lambda *_: None)
        tables.write(kampung.log)
        ends.add(tuple(row["dibatalkan"] for row in tables.rows.values()))

    assert ends == {(True,), ()}


def test_a_new_card_is_a_changed_key() -> None:
    """The old card's row tells the day before its key changes; the family goes on under the new card, the ledger of changes says both."""
    kampung, clock = register(Lucky(6))
    one, renewed = living(), household(7, HERE, [0, 1, 2], THEN)
    changes: list[tuple[dict[str, Any] | None, dict[str, Any] | None]] = []
    kampung.begin([one])
    clock.now += 4 * DAY
    one.village = None
    one.note(THEN)
    renewed.note(THEN)
    kampung.renew(one, renewed)

    Tables(lambda before, after: changes.append((before, after))).write(kampung.log)

    (_, told), (before, after) = changes[1:]
    assert told is not None
    assert before is not None
    assert after is not None
    assert (told["no_kk"], told["berlaku_sejak"]) == (one.card, THEN)
    assert (before["no_kk"], before["berlaku_sejak"], after["no_kk"]) == (one.card, THEN, renewed.card)
    assert one.stays[BANYUWANGI].ended


def test_what_nobody_here_has_asked_is_empty() -> None:
    """A family that was taken in without a question for its spending has none in its row, also when it is told once more."""
    kampung, _ = register(Lucky(7))
    one = household(0, HERE, [0, 1], THEN)
    one.note(THEN)
    kampung.come(one, members=True, welfare=False)
    kampung.say(kampung.whole(one, welfare=False))

    assert done(kampung) == [(THEN, None, False)] * 2
    assert one.facts == [Fact(THEN, HERE, 2, 2_000_000, modelled=False)]


def test_villages_are_written_anew_and_the_table_widens_once() -> None:
    """At months' ends some villages are touched, each in its own transaction, and one month adds a column."""
    kampung, _ = register(Unlucky(8))
    for month in range(month_of(date(2024, 4, 1)), month_of(date(2026, 10, 1))):
        kampung.close_month(month)

    assert sum(isinstance(op, Widen) for transaction in kampung.log for op in transaction) == 1
    assert sum(isinstance(op, Touch) for transaction in kampung.log for op in transaction) == 2 * 30
    assert all(len(transaction) == 1 for transaction in kampung.log)

"""Tests of Carik's register: what is held back is said in the end, in an order that the law bears."""

from datetime import date
from random import Random

import pytest

from deploy.demo.carik_register import CarikRegister
from deploy.demo.clock import Clock
from deploy.demo.household import Stay
from deploy.demo.register import END, RETRACT, UPSERT, Saying
from tests.deploy.demo.samples import household

HERE, THERE = "31.74.01.1001", "31.71.01.1001"
DAY = 86_400_000_000
SINCE = date(2024, 1, 1)


class Unlucky(Random):
    """Chance that always goes wrong: everything comes late, then twice."""

    def random(self) -> float:
        """Return the least luck there is."""
        return 0.0


class Lucky(Random):
    """Chance under which everything is said in time and once."""

    def random(self) -> float:
        """Return the greatest luck there is."""
        return 0.999


def register(chance: Random) -> tuple[CarikRegister, Clock]:
    """Return an empty register at the beginning of April 2024."""
    clock = Clock(date(2024, 4, 1), date(2026, 10, 31), 1_000)
    return CarikRegister(clock, chance), clock


def said(carik: CarikRegister) -> list[tuple[str, date, str]]:
    """Return all that was said, in its order: operation, day, village."""
    return [(one.operation, one.day, one.village) for _, one in carik.page(None, 1_000).changes]


def test_what_comes_late_comes_in_its_time() -> None:
    """A change held back is not to be read before it is due, and is afterwards."""
    carik, clock = register(Unlucky(1))
    carik.say(carik.whole(household(0, HERE, [0, 1], SINCE)))

    assert (len(carik), carik.held) == (0, 2)

    clock.now += 70 * DAY
    carik.release()

    assert said(carik) == [(UPSERT, SINCE, HERE)] * 2
    assert carik.held == 0


def test_flushing_says_everything() -> None:
    """Nothing is held back after a flush, however early it comes."""
    carik, _ = register(Unlucky(2))
    for serial in range(5):
        carik.say(carik.whole(household(serial, HERE, [0, 1], SINCE)))

    carik.flush()

    assert (len(carik), carik.held) == (10, 0)


def test_what_was_wrong_is_corrected_on_the_same_day() -> None:
    """A slip of the pen is followed by the true amount with the same day and a later moment."""

    class Slips(Lucky):
        def random(self) -> float:
            return 0.15

    carik, _ = register(Slips(3))
    carik.say(carik.whole(household(0, HERE, [0, 1], SINCE)))
    carik.flush()
    (first, wrong), (second, right) = carik.page(None, 10).changes

    assert wrong.day == right.day
    assert second > first
    assert (wrong.welfare, right.welfare) == ((20_000_000, False), (2_000_000, False))


def test_a_mistake_is_retracted() -> None:
    """What never happened is taken back on the day that it was said of."""
    carik, _ = register(Lucky(4))
    carik.mistake(Saying(household(0, HERE, [0, 1], SINCE), THERE, 0, date(2024, 4, 1), UPSERT))
    carik.flush()

    assert said(carik) == [(UPSERT, date(2024, 4, 1), THERE), (RETRACT, date(2024, 4, 1), THERE)]


def test_a_late_end_is_said_before_the_household_comes_back() -> None:
    """An END held back would hide the return if it came after it, so it comes before, and only once."""
    carik, _ = register(Unlucky(5))
    one = household(0, HERE, [0, 1], SINCE)
    one.stays["31.74"] = stay = Stay(HERE, 0, date(2024, 4, 1))
    carik.end(one, stay, date(2024, 4, 1))
    assert said(carik) == []

    carik.take_in(one, HERE)
    one.note(date(2024, 4, 20))
    carik.say(carik.whole(one))
    carik.flush()

    assert said(carik)[0] == (END, date(2024, 4, 1), HERE)
    assert [operation for operation, _, _ in said(carik)] == [END, UPSERT, UPSERT]


@pytest.mark.parametrize(("village", "ends"), [(HERE, 1), ("31.74.01.1002", 0)])
def test_an_open_stay_is_ended_where_the_household_returns_to_the_same_village(village: str, ends: int) -> None:
    """Its old run would go on in the same village; in another one a new run begins by itself."""
    carik, _ = register(Lucky(6))
    one = household(0, HERE, [0, 1], SINCE)
    one.stays["31.74"] = Stay(HERE, 0, date(2024, 4, 1))

    carik.take_in(one, village)

    assert said(carik) == [(END, date(2024, 4, 1), HERE)] * ends


def test_an_ignorant_restatement_is_said_before_the_end_that_hides_it() -> None:
    """A register that was not told of an end restates the household meanwhile; the END follows with an earlier day."""
    carik, clock = register(Unlucky(8))
    one = household(0, HERE, [0, 1], SINCE)
    one.stays["31.74"] = stay = Stay(HERE, 0)
    told = carik.whole(one)
    carik.end(one, stay, date(2024, 4, 1))
    carik.unaware(Saying(one, HERE, 0, date(2024, 4, 1), UPSERT, told.members, told.welfare))
    clock.now += 70 * DAY
    carik.release()
    operations = said(carik)

    assert operations[0][0] == UPSERT
    assert operations[0][1] > date(2024, 4, 1)
    assert [operation for operation, _, _ in operations[1:]] == [END, END]


def test_moments_of_one_family_grow_strictly_and_of_all_never_fall() -> None:
    """Moments are revisions, so a family never has two of the same; the feed as a whole is in their order."""
    carik, clock = register(Lucky(9))
    families = [household(serial, HERE, [0, 1], SINCE) for serial in range(3)]
    for turn in range(30):
        carik.say(carik.whole(families[turn % 3]))
        clock.now += turn % 2
    changes = carik.page(None, 1_000).changes
    moments = [at for at, _ in changes]

    assert moments == sorted(moments)
    assert len(set(moments)) < len(moments)
    for family in families:
        own = [at for at, one in changes if one.household is family]
        assert len(set(own)) == len(own) == 10


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_pages_of_any_size_lose_nothing(size: int) -> None:
    """Reading on from each cursor ends, and meets every change; pages overlap by a moment and never cut one in two."""
    carik, _ = register(Lucky(10))
    carik.begin([household(serial, HERE, [0, 1], SINCE) for serial in range(50)])
    met: list[int] = []
    since, more = None, True
    while more:
        page = carik.page(since, size)
        assert page.changes[0][0] >= (since or 0)
        met += [one.household.serial for _, one in page.changes]
        assert page.cursor != since
        since, more = page.cursor, page.more

    assert set(met) == set(range(50))
    assert len(met) >= 50
    assert carik.page(since, size).more is False


def test_a_page_after_the_end_is_empty() -> None:
    """Whoever asks from beyond the newest change gets nothing, and his own cursor back."""
    carik, clock = register(Lucky(11))
    carik.begin([household(0, HERE, [0, 1], SINCE)])

    page = carik.page(clock.now + DAY, 10)

    assert (page.changes, page.cursor, page.more) == ([], clock.now + DAY, False)

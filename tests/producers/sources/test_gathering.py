"""What follows from changes of rows: what is said, what has ended, whose present row is read again, and in which order it counts."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from producers.sources.postgres.gathering import Gathering, Plan
from producers.sources.postgres.pgoutput import Begin, Row, RowChange
from producers.sources.postgres.places import revision
from producers.sources.postgres.wanted import Wanted

MAIN, CHILD = "s.keluarga", "s.anggota"
PLAN = Plan(
    MAIN, "no_kk", {CHILD: "no_kk"}, Wanted(("no_kk", "desa", "sejak"), {"anggota": ()}, "sejak", "desa"), ZoneInfo("Asia/Jakarta"), 0
)


@pytest.fixture
def gathering() -> Gathering:
    """Nothing gathered yet."""
    return Gathering(PLAN)


def begin(gathering: Gathering, place: int, number: int = 1) -> None:
    """Begin a transaction, committed at 18:00 UTC: in Jakarta it is the next day already."""
    gathering.begin(Begin(place, datetime(2024, 5, 1, 18, tzinfo=UTC), number))


def main(kind: str, old: Row | None = None, new: Row | None = None) -> RowChange:
    """Return a change of the main table."""
    return RowChange(MAIN, kind, old, new)


def family(key: str, since: str | None = "2024-04-01", village: str = "98.01.01.2001") -> Row:
    """Return a row."""
    return {"no_kk": key, "desa": village, "sejak": since}


def told(gathering: Gathering) -> list[tuple[str, bool, str | None, int]]:
    """Return what is said: key, whether it is gone, its day, its revision's number within the transaction."""
    return [(one.key, one.deleted, one.row["sejak"], int(str(one.around["revision"])) % 4096) for one in gathering.said]


def test_each_image_is_said_in_order(gathering: Gathering) -> None:
    """A correction of the past and the present after it are two statements, the second with the greater revision."""
    begin(gathering, 1 << 20)
    gathering.change(main("U", family("1"), family("1", "2023-01-01")))
    gathering.change(main("U", family("1", "2023-01-01"), family("1", "2024-04-02")))

    assert told(gathering) == [("1", False, "2023-01-01", 1), ("1", False, "2024-04-02", 2)]


def test_a_deleted_row_ends_on_the_day_it_tells(gathering: Gathering) -> None:
    """Where the old row has no day, it is that of the commit in the declared time zone."""
    begin(gathering, 1 << 20)
    gathering.change(main("D", family("1", "2024-04-30")))
    gathering.change(main("D", family("2", None)))

    assert told(gathering) == [("1", True, "2024-04-30", 1), ("2", True, "2024-05-02", 1)]


def test_a_new_card_ends_the_old_one(gathering: Gathering) -> None:
    """A key change ends the old household on the day of the new row, in the old one's village, and says the new one."""
    begin(gathering, 1 << 20)
    gathering.change(main("U", family("1", "2020-01-01", "98.01.01.2002"), family("2", "2024-04-30")))

    assert told(gathering) == [("1", True, "2024-04-30", 1), ("2", False, "2024-04-30", 1)]
    assert [one.row["desa"] for one in gathering.said] == ["98.01.01.2002", "98.01.01.2001"]


def test_another_regency_ends_the_claim_of_the_old_one(gathering: Gathering) -> None:
    """A household that moves to another regency of the same database has left the first; to another village of it, it has not."""
    begin(gathering, 1 << 20)
    gathering.change(main("U", family("1"), family("1", "2024-04-30", "98.02.01.2001")))
    gathering.change(main("U", family("2"), family("2", "2024-04-30", "98.01.02.2001")))

    assert told(gathering) == [("1", True, "2024-04-30", 1), ("1", False, "2024-04-30", 2), ("2", False, "2024-04-30", 1)]
    assert [one.row["desa"] for one in gathering.said[:2]] == ["98.01.01.2001", "98.02.01.2001"]


def test_a_child_alone_has_the_household_read_again(gathering: Gathering) -> None:
    """Inserted, changed, deleted or given to another household: whoever it belongs to is said again, under its transaction's revision."""
    begin(gathering, 1 << 20)
    gathering.change(RowChange(CHILD, "I", None, {"no_kk": "1 "}))
    gathering.change(RowChange(CHILD, "U", {"no_kk": "2"}, {"no_kk": "3"}))
    gathering.change(RowChange(CHILD, "D", {"no_kk": "4"}, None))

    again = gathering.say_again()
    assert set(again) == {"1", "2", "3", "4"}
    assert {one["revision"] for one in again.values()} == {revision(1 << 20, 1)}
    assert gathering.said == []


def test_a_childs_change_with_a_row_of_the_household_is_said_by_that(gathering: Gathering) -> None:
    """In the row's own transaction, before or after it, and in an earlier one: its lists are read later than all of these."""
    begin(gathering, 1 << 20)
    gathering.change(RowChange(CHILD, "I", None, {"no_kk": "1"}))
    gathering.change(main("I", None, family("1")))
    gathering.change(RowChange(CHILD, "I", None, {"no_kk": "1"}))
    assert gathering.say_again() == {}

    begin(gathering, 1 << 21)
    gathering.change(RowChange(CHILD, "I", None, {"no_kk": "1"}))
    assert list(gathering.say_again()) == ["1"]  # the row may have been said before, with older lists under the same revision


def test_a_childs_change_is_after_what_was_committed_before_it(gathering: Gathering) -> None:
    """The household is said again under the commit of the child's transaction, though that began first."""
    begin(gathering, 1 << 20, number=9)
    gathering.change(main("U", family("1"), family("1", "2024-04-02")))
    begin(gathering, 1 << 21, number=8)
    gathering.change(RowChange(CHILD, "I", None, {"no_kk": "1"}))

    assert int(str(gathering.say_again()["1"]["revision"])) > int(str(gathering.said[0].around["revision"]))
    assert gathering.transactions == {8, 9}


def test_what_was_kept_is_counted_only(gathering: Gathering) -> None:
    """A transaction that is taken up in its middle numbers its changes as if it were read from its beginning."""
    begin(gathering, 1 << 20)
    gathering.pass_over(main("U", family("1"), family("2")))
    gathering.pass_over(RowChange(CHILD, "I", None, {"no_kk": "2"}))
    gathering.change(main("U", family("2"), family("2", "2024-04-03")))

    assert told(gathering) == [("2", False, "2024-04-03", 3)]


def test_a_child_of_nobody_is_counted(gathering: Gathering) -> None:
    """A deletion that does not tell whose row it was can only be told to people."""
    begin(gathering, 1 << 20)
    gathering.change(RowChange(CHILD, "D", {"id": "4"}, None))

    assert (gathering.unkeyed, gathering.say_again()) == (1, {})

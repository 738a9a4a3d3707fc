"""What a receiver remembers: deliveries for a stated time and number, by mapping version; and its counts over a restart."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.checkpoint import transaction
from producers.sources.webhook.memory import Deliveries, Refused, Tally, make_tables, note, received, refusals
from producers.sources.webhook.refusals import Refusal

NOW = datetime(2024, 5, 2, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    """A file with the tables."""
    found = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    found.execute("pragma synchronous = off")
    make_tables(found)
    return found


def remember(connection: sqlite3.Connection, deliveries: Deliveries, numbers: Sequence[int], now: datetime = NOW) -> None:
    """Remember deliveries in a transaction, as the adapter does."""
    with transaction(connection):
        deliveries.remember(marks(*numbers), now)


def marks(*numbers: int) -> list[bytes]:
    """Return marks."""
    return [number.to_bytes(16, "big") for number in numbers]


def count(connection: sqlite3.Connection) -> int:
    """Return how many deliveries are on the disk."""
    return int(connection.execute("select count(*) from webhook_delivery").fetchone()[0])


def test_a_delivery_is_known_for_its_time_and_then_forgotten(connection: sqlite3.Connection) -> None:
    """Within the time it is known, over a restart too; after it, it is gone from the disk as soon as another comes."""
    remember(connection, Deliveries(connection, 1, 600), (1, 2))
    again = Deliveries(connection, 1, 600)
    remember(connection, again, (3,), NOW + timedelta(seconds=600))
    assert again.known(marks(1, 2, 3, 4)) == set(marks(1, 2, 3))
    remember(connection, again, (4,), NOW + timedelta(seconds=601))

    assert again.known(marks(1, 2, 3, 4)) == set(marks(3, 4))
    assert count(connection) == 2


def test_more_than_the_greatest_number_are_not_kept(connection: sqlite3.Connection) -> None:
    """The oldest give way."""
    some = Deliveries(connection, 1, 600, most=100)
    for begin in range(0, 1000, 50):
        remember(connection, some, range(begin, begin + 50))

    assert count(connection) <= 150
    assert some.known(marks(*range(950, 1000))) == set(marks(*range(950, 1000)))


def test_old_ones_are_forgotten_faster_than_new_ones_come(connection: sqlite3.Connection) -> None:
    """After a burst the file shrinks again."""
    some = Deliveries(connection, 1, 600)
    remember(connection, some, range(2000))
    for number in range(40):
        remember(connection, some, (10_000 + number,), NOW + timedelta(seconds=700))

    assert count(connection) == 40


def test_a_mended_mapping_takes_a_delivery_once_more(connection: sqlite3.Connection) -> None:
    """What was taken through version 1 is new to version 2, then known, and known to version 1 as well."""
    remember(connection, Deliveries(connection, 1, 600), (1,))
    mended = Deliveries(connection, 2, 600)
    assert mended.known(marks(1)) == set()
    remember(connection, mended, (1,))

    assert mended.known(marks(1)) == Deliveries(connection, 1, 600).known(marks(1)) == set(marks(1))


def test_counts_go_on_after_a_restart(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """What was taken and refused adds up, by cause."""
    tally = Tally(connection)
    for _ in range(2):
        tally.add(Refusal.WRONG_SIGNATURE)
    note(connection, "127.0.0.1:1", 3, 1, NOW, tally.counts())
    again = Tally(connection)
    again.add(Refusal.WRONG_SIGNATURE)
    again.add(Refusal.TOO_FAST)
    note(connection, "127.0.0.1:2", 0, 0, NOW + timedelta(1), again.counts())
    found = received(tmp_path / "x.sqlite")

    assert found is not None
    assert (found.listening, found.taken, found.repeated, found.last_taken_at) == ("127.0.0.1:2", 3, 1, NOW)
    assert found.refused == {"wrong signature": 3, "too fast": 1}


def test_a_file_of_another_kind_of_source_has_no_receiver(tmp_path: Path) -> None:
    """Nor has one that is not there."""
    sqlite3.connect(tmp_path / "other.sqlite").execute("create table x (y)").connection.close()

    assert received(tmp_path / "other.sqlite") is None
    assert received(tmp_path / "none.sqlite") is None


def test_refusals_are_told_with_what_their_senders_were_answered(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Each cause with its status and count, the most first, and whether it is sent again; causes that nobody knows any more stay."""
    refused = {Refusal.WRONG_SIGNATURE.words: 2, Refusal.TOO_FAST.words: 30, Refusal.TOO_LARGE.words: 2, "of an earlier version": 1}
    note(connection, "127.0.0.1:1", 0, 0, NOW, refused)

    assert refusals(tmp_path / "x.sqlite") == [
        Refused("too fast", 429, 30, sent_again=True),
        Refused("too large", 413, 2, sent_again=False),
        Refused("wrong signature", 401, 2, sent_again=False),
        Refused("of an earlier version", 0, 1, sent_again=False),
    ]
    assert refusals(tmp_path / "none.sqlite") == []


def test_what_is_remembered_costs_the_same_however_much_there_is(connection: sqlite3.Connection) -> None:
    """Steps of the database's machine: a delivery more takes no more of them beside fifty thousand than beside a hundred."""
    some, steps = Deliveries(connection, 1, 600), [0]

    def step() -> None:
        steps[0] += 1

    def taken(number: int) -> int:
        steps[0] = 0
        connection.set_progress_handler(step, 1)
        remember(connection, some, (number,))
        connection.set_progress_handler(None, 1)
        return steps[0]

    remember(connection, some, range(100))
    few = taken(100)
    remember(connection, some, range(101, 50_000))

    assert taken(50_000) < 2 * few

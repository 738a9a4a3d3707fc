"""Publishers on a real broker and database: what a consumer holds in the end is what the figures say, whatever happened meanwhile."""

import random
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from deploy.embedded import EmbeddedServices
from processors.law import Statement
from processors.publish.runner import PublishSettings, run
from processors.publish.topic import Fenced, Outlet
from processors.reference import Reference
from processors.store.dispatch import Dispatch
from processors.store.fold import NotInitialised
from processors.store.migrate import migrate
from processors.store.reference_load import load_lines, load_regions
from processors.store.reference_sheets import LineRow, RegionRow, Sheet
from schemas.registry import Registry
from schemas.topics import INDICATOR_TOPIC, rejected_topic
from tests.processors.publish.conftest import Newsroom, until
from tests.processors.store.office import connect, expected_cells, fold_all, held_cells, lines, random_statement, say, statements_held

HOUSEHOLDS = 40


class Life:
    """Random statements, said batch by batch, and what they come to."""

    def __init__(self, newsroom: Newsroom, reference: Reference, seed: int) -> None:
        """Say nothing yet."""
        self._conn = connect(newsroom.settings.database)
        self._reference = reference
        self._chance = random.Random(seed)  # noqa: S311 - a test's dice
        self._said: list[dict[UUID, list[Statement]]] = []

    def goes_on(self, batches: int) -> None:
        """Say some batches."""
        for _ in range(batches):
            batch: defaultdict[UUID, list[Statement]] = defaultdict(list)
            for _ in range(6):
                batch[UUID(int=self._chance.randrange(HOUSEHOLDS))].append(random_statement(self._chance))
            self._reference = say(self._conn, batch, self._reference)
            self._said.append(batch)

    def is_exact(self) -> bool:
        """Return whether the cells are what the law says."""
        return held_cells(self._conn) == expected_cells(statements_held(self._said), self._reference)

    def ends(self) -> None:
        """Close the connection."""
        self._conn.close()


@pytest.fixture
def life(newsroom: Newsroom, reference: Reference, request: pytest.FixtureRequest) -> Life:
    """Households of the office."""
    lives = Life(newsroom, reference, 11)
    request.addfinalizer(lives.ends)  # noqa: PT021 - it has no code of its own to run before
    return lives


def test_a_consumer_holds_what_the_figures_say(newsroom: Newsroom, life: Life) -> None:
    """After a first load, changes of the past and new months, the last record of each key is the figure, field by field."""
    with newsroom.publishing_here():
        for _ in range(4):
            life.goes_on(4)
            until(newsroom.sent_all)
            newsroom.assert_published()

    assert life.is_exact()
    assert any(figure.month == date(2021, 12, 1) for figure, _ in newsroom.figures().values())


def test_loads_of_reference_data_are_published_too(newsroom: Newsroom, life: Life) -> None:
    """A new line, a region renamed and one that moves to another province change the figures that a consumer holds."""
    life.goes_on(8)
    with newsroom.publishing_here(), connect(newsroom.settings.database) as own:
        until(newsroom.sent_all)
        load_lines(own, lines(LineRow("national", "91.01", "all", date(2020, 5, 1), 777_777, "invented")))
        until(newsroom.sent_all)
        newsroom.assert_published()
        moved = RegionRow("91.02", None, "ANOTHER NAME", "regency", "92", None)
        load_regions(own, Sheet("regions.csv", (moved,)))
        until(newsroom.sent_all)
        newsroom.assert_published()

    view = newsroom.view()
    assert any(event.region_name == "ANOTHER NAME" for event in view.values())
    assert {event.reference_version for event in view.values()} > {6}


def test_a_stale_line_is_flagged(newsroom: Newsroom, life: Life) -> None:
    """More than 24 months after the last line began, and not before, the figures that rest on it say so."""
    life.goes_on(8)
    with newsroom.publishing_here():
        until(newsroom.sent_all)
    view = newsroom.view()
    with connect(newsroom.settings.database) as own:
        load_lines(own, lines(LineRow("national", "92", "all", date(2018, 1, 1), 470_000, "invented")))
    with newsroom.publishing_here():
        until(newsroom.sent_all)
    after = newsroom.view()

    flagged = {key for key, event in after.items() if event.line_is_stale}
    assert not any(event.line_is_stale for event in view.values())
    assert flagged
    # The line of 2018 governs until June 2020, when the next begins; January 2020 is 24 months after it began.
    assert {key.split("|")[0] for key in flagged} <= {"ID", "92", "92.01"}
    assert {key.split("|")[2] for key in flagged} == {"2020-02", "2020-03", "2020-04", "2020-05"}


def test_rejected_records_reach_their_regencys_topic(newsroom: Newsroom, conn: Connection[Any]) -> None:
    """Each leaves once, with coordinates, cause and digest, and is noted as sent."""
    for offset in range(3):
        conn.execute(
            "insert into rejected (topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest)"
            " values ('muara.91.01.household.v1', 'a', 0, %s, %s, 'unknown_village', 'residence.village', 'not known', %s)",
            (offset, datetime(2024, 5, 1, tzinfo=UTC), bytes([offset] * 32)),
        )
    with newsroom.publishing_here():
        until(newsroom.sent_all)
    with newsroom.publishing_here():
        until(newsroom.sent_all)

    records = newsroom.records(rejected_topic("91.01"), "EventRejected")
    assert [(key, record["offset"], record["digest"]) for key, record in records] == [
        (f"muara.91.01.household.v1|0|{offset}", offset, f"{offset:02x}" * 32) for offset in range(3)
    ]
    assert records[0][1]["arrived_at"] == datetime(2024, 5, 1, tzinfo=UTC)
    assert records[0][1]["message"] == "not known"


def test_another_takes_over_when_the_active_one_is_killed(newsroom: Newsroom, life: Life) -> None:
    """Killed again and again in mid-stream, publishers leave cells and topic exact."""
    with ExitStack() as all_of_them:
        active = newsroom.publisher(all_of_them)
        active.says("publisher_active")
        for _ in range(3):
            heir = newsroom.publisher(all_of_them)
            heir.says("publisher_standby")
            life.goes_on(4)
            active.says("figures_sent")
            life.goes_on(2)
            active.signal(signal.SIGKILL)
            life.goes_on(2)
            heir.says("publisher_active", 5)
            active = heir
        until(newsroom.sent_all)

    assert life.is_exact()
    newsroom.assert_published()


def test_one_that_was_stopped_wakes_up_harmless(newsroom: Newsroom, life: Life) -> None:
    """Another takes over after five seconds; the one that wakes up stands by, and the topic ends at the newest figures."""
    with ExitStack() as all_of_them:
        sleeper = newsroom.publisher(all_of_them)
        sleeper.says("publisher_active")
        heir = newsroom.publisher(all_of_them)
        heir.says("publisher_standby")
        life.goes_on(4)
        sleeper.says("figures_sent")
        life.goes_on(2)
        sleeper.signal(signal.SIGSTOP)
        life.goes_on(2)
        heir.says("publisher_active", 9)
        life.goes_on(2)
        until(newsroom.sent_all)
        newsroom.assert_published()

        sleeper.signal(signal.SIGCONT)
        sleeper.says("publisher_waits")
        sleeper.says("publisher_standby")
        life.goes_on(4)
        until(newsroom.sent_all)

    assert life.is_exact()
    newsroom.assert_published()


def test_an_old_publisher_that_wakes_up_is_fenced(newsroom: Newsroom, life: Life, database: str) -> None:
    """What it had read before it was overtaken never reaches a consumer, not even after it has begun to send."""
    life.goes_on(3)
    fold_all(database)
    with outlet(newsroom) as old, outlet(newsroom) as new, dispatch(database) as its_list:
        stale = its_list.take(its_list.regions())
        old.open()
        life.goes_on(3)
        fold_all(database)
        fresh = its_list.take(its_list.regions())
        assert new.send_figures(fresh.figures, fresh.reference_version) == len(fresh.figures)
        with pytest.raises(Fenced, match="another publisher has begun to send"):
            old.send_figures(stale.figures, stale.reference_version)
        assert its_list.settle(stale) == 0
        assert its_list.settle(fresh) == len(fresh.marks)

    newsroom.assert_published()
    assert len(newsroom.records(INDICATOR_TOPIC, "IndicatorPublished", newsroom.begin)) == len(fresh.figures)


def test_a_crash_between_sending_and_settling_only_sends_again(newsroom: Newsroom, life: Life, database: str) -> None:
    """The marks are still there, and the same figures go out once more, under the same revisions."""
    life.goes_on(3)
    fold_all(database)
    with outlet(newsroom) as crashed, dispatch(database) as its_list:
        shipment = its_list.take(its_list.regions())
        crashed.send_figures(shipment.figures, shipment.reference_version)
    with newsroom.publishing_here():
        until(newsroom.sent_all)

    records = newsroom.records(INDICATOR_TOPIC, "IndicatorPublished", newsroom.begin)
    half = len(shipment.figures)
    assert len(records) == 2 * half
    assert sorted(records[:half], key=repr) == sorted(records[half:], key=repr)
    newsroom.assert_published()


def test_a_mark_that_moves_while_its_figures_are_sent_stays(life: Life, database: str) -> None:
    """Only what was sent is settled; what changed meanwhile is sent again, under a greater revision."""
    life.goes_on(3)
    fold_all(database)
    with dispatch(database) as its_list:
        before = its_list.take(its_list.regions())
        life.goes_on(6)
        fold_all(database)
        settled = its_list.settle(before)
        after = its_list.take(its_list.regions())

    revisions = {(mark.region, mark.urbanisation): mark.revision for mark in before.marks}
    moved = [mark for mark in after.marks if (mark.region, mark.urbanisation) in revisions]
    assert moved
    assert settled == len(before.marks) - len(moved)
    assert all(mark.revision > revisions[mark.region, mark.urbanisation] for mark in moved)


def test_without_a_broker_folding_goes_on_and_the_outbox_waits(newsroom: Newsroom, life: Life) -> None:
    """Cells are current, marks stay; as soon as there is a broker, all of them are sent."""
    away = replace(newsroom, settings=replace(newsroom.settings, kafka="127.0.0.1:1"))
    with away.publishing_here():
        life.goes_on(5)
        until(life.is_exact)
        assert not away.sent_all()
    with newsroom.publishing_here():
        until(newsroom.sent_all)

    newsroom.assert_published()


def test_a_sender_that_was_fenced_wrongly_goes_on(newsroom: Newsroom, life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever holds the fold takes the topic back from one that only believed to be active, and says so: two installations fight unseen."""
    with newsroom.publishing_here(), outlet(newsroom) as intruder:
        life.goes_on(3)
        until(newsroom.sent_all)
        intruder.open()
        life.goes_on(3)
        until(newsroom.sent_all)

    assert [one.levelname for one in caplog.records if one.getMessage().startswith("another publisher has begun to send")] == ["WARNING"]
    assert life.is_exact()
    newsroom.assert_published()


def test_a_database_without_reference_data_ends_the_process(services: EmbeddedServices, database: str) -> None:
    """It says what is to be done first."""
    with connect(database) as own:
        migrate(own)

    with pytest.raises(NotInitialised, match="no reference version yet"):
        run(PublishSettings(services.addresses.kafka, services.addresses.registry, database), threading.Event())


@contextmanager
def outlet(newsroom: Newsroom) -> Iterator[Outlet]:
    """Give a way out to Kafka, and close it."""
    with closing(Registry(newsroom.settings.registry)) as schemas, closing(Outlet(newsroom.settings.kafka, schemas)) as made:
        yield made


def dispatch(database: str) -> "closing[Dispatch]":
    """Give a session that reads what is to be sent, and close it."""
    return closing(Dispatch(database))

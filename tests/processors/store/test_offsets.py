"""Who reads a partition, where, and whether it waits: every rule of taking over, halting and accepting, on a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
import pytest

from deploy.embedded import EmbeddedServices
from processors.broker import Log
from processors.store.offsets import Accepted, Held, NotHalted, Stand, TopicGone, accept, halt, resumed, stands, take_over, waits
from tests.integration.stage import Stage, until

A, B = ("muara.99.1.household.v1", 0), ("muara.99.2.household.v1", 0)
ID, OTHER_ID = "x" * 22, "y" * 22
_T = TypeVar("_T")


@pytest.fixture(scope="module")
def stage(services: EmbeddedServices) -> Stage:
    """A database."""
    return Stage.set(services, 1)


@pytest.fixture
def connection(stage: Stage) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database in which nothing was read yet."""
    with stage.connect() as one:
        one.execute("truncate ingest_offset restart identity")
        yield one


def briefly(stage: Stage, work: Callable[[psycopg.AsyncConnection[Any]], Awaitable[_T]]) -> _T:
    """Run one piece of a worker's work on a connection of its own."""

    async def run() -> _T:
        async with await psycopg.AsyncConnection.connect(stage.database, autocommit=True) as one:
            return await work(one)

    return asyncio.run(run())


def taken(stage: Stage, **logs: Log) -> dict[str, Held]:
    """Take over A and B, as far as their logs are given."""
    names = {"a": A, "b": B}
    held = briefly(stage, lambda one: take_over(one, {names[name]: log for name, log in logs.items()}))
    return {name: held[names[name]] for name in logs}


def test_taking_over_and_a_batch_lock_rows_in_one_order(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """A batch that has locked the row of the lesser number and comes to the other one finds it free, however the topics are called."""
    first = taken(stage, b=Log(ID, 0, 0)) | taken(stage, a=Log(ID, 0, 0))
    assert first["b"].id < first["a"].id

    def waiting() -> bool:
        found = connection.execute("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
        return found.fetchone() is not None

    with stage.connect() as batch, ThreadPoolExecutor() as other:
        with batch.transaction():
            batch.execute("select 1 from ingest_offset where id = %s for update", (first["b"].id,))
            taking = other.submit(lambda: taken(stage, a=Log(ID, 0, 0), b=Log(ID, 0, 0)))
            until(waiting, 10)
            batch.execute("set local lock_timeout = '500ms'")
            batch.execute("select 1 from ingest_offset where id = %s for update", (first["a"].id,))
        again = taking.result(10)

    assert {name: one.epoch for name, one in again.items()} == {"a": 2, "b": 2}


def test_taking_over_raises_the_epoch_and_reads_on(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """The first time a partition begins at 0 in epoch 1; later it goes on where it stood, in the next epoch."""
    first = taken(stage, a=Log(ID, 0, 5), b=Log(ID, 0, 0))
    connection.execute("update ingest_offset set next_offset = 3 where topic = %s", (A[0],))
    again = taken(stage, a=Log(ID, 0, 5))

    assert [(one.epoch, one.next_offset, one.halted) for one in first.values()] == [(1, 0, None), (1, 0, None)]
    assert Held(first["a"].id, 2, 3, ID, None) == again["a"]
    assert [Stand(*A, 3, 2, None), Stand(*B, 0, 1, None)] == stands(connection)


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (Log(ID, 0, 10), None),
        (Log(ID, 10, 10), None),
        (Log(ID, 10, 99), None),
        (Log(ID, 11, 99), "lies outside the log (11 to 99): records were lost"),
        (Log(ID, 0, 9), "lies outside the log (0 to 9): records were lost"),
        (Log(OTHER_ID, 0, 10), "was deleted and made anew"),
        (Log(OTHER_ID, 0, 3), "was deleted and made anew"),
    ],
)
def test_a_partition_that_cannot_be_read_on_is_halted(
    stage: Stage, connection: psycopg.Connection[Any], log: Log, cause: str | None
) -> None:
    """A next offset of 10 must lie within the log, and the topic must be the one that was read; else it waits, with the cause."""
    taken(stage, a=Log(ID, 0, 10), b=Log(ID, 0, 10))
    connection.execute("update ingest_offset set next_offset = 10")
    held = taken(stage, a=log, b=Log(ID, 0, 10))

    assert held["b"].halted is None
    assert (cause is None) == (held["a"].halted is None)
    assert (cause or "") in (held["a"].halted or "")
    assert held["a"].halted == stands(connection)[0].halted
    assert held["a"].topic_id == ID  # as it was read: only a person's word changes it

    row = connection.execute("select halted_at is not null from ingest_offset where topic = %s", (A[0],)).fetchone()
    assert row == (cause is not None,)


def test_a_halted_partition_stays_halted_whoever_takes_it_over(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """Neither another worker nor a log that looks right again lets it move; only accepting does."""
    held = taken(stage, a=Log(ID, 0, 10))["a"]
    briefly(stage, lambda one: halt(one, held.id, held.epoch, "because"))

    assert taken(stage, a=Log(ID, 0, 10))["a"].halted == "because"
    assert briefly(stage, lambda one: resumed(one, [held.id])) == set()


def test_a_zombie_halts_nothing(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """A worker whose epoch is over cannot halt what another one reads, and the first cause stays."""
    old = taken(stage, a=Log(ID, 0, 10))["a"]
    new = taken(stage, a=Log(ID, 0, 10))["a"]
    briefly(stage, lambda one: halt(one, old.id, old.epoch, "zombie"))
    assert stands(connection)[0].halted is None

    briefly(stage, lambda one: halt(one, new.id, new.epoch, "first"))
    briefly(stage, lambda one: halt(one, new.id, new.epoch, "second"))
    assert stands(connection)[0].halted == "first"


@pytest.mark.parametrize(
    ("log", "at", "reads_on"),
    [
        (Log(ID, 15, 30), None, 15),  # lost records: the nearest that is left
        (Log(ID, 0, 7), None, 7),  # the log ends before: its end
        (Log(ID, 0, 30), None, 10),  # nothing is lost after all
        (Log(ID, 0, 30), 20, 20),  # as a person says
        (Log(ID, 5, 30), 2, 5),  # but within the log
        (Log(ID, 5, 30), 99, 30),
        (Log(OTHER_ID, 0, 30), None, 0),  # another topic: from its beginning
        (Log(OTHER_ID, 4, 30), None, 4),
        (Log(OTHER_ID, 0, 30), 10, 10),
    ],
)
def test_accepting_lets_a_partition_move(
    stage: Stage, connection: psycopg.Connection[Any], log: Log, at: int | None, reads_on: int
) -> None:
    """It reads on where nothing is skipped that is there, in a new epoch, as the topic that it is now."""
    held = taken(stage, a=Log(ID, 0, 10), b=Log(ID, 0, 10))
    connection.execute("update ingest_offset set next_offset = 10, halted = 'because', halted_at = now()")

    assert [Accepted(*A, 10, reads_on, log.topic_id != ID)] == list(accept(connection, A[0], {A: log}, at))
    assert stands(connection)[1].halted == "because"
    assert briefly(stage, lambda one: resumed(one, [each.id for each in held.values()])) == {held["a"].id}
    again = taken(stage, a=log)["a"]
    assert (reads_on, 3, None, log.topic_id) == (again.next_offset, again.epoch, again.halted, again.topic_id)


def test_accepting_a_gap_goes_on_behind_it(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """Where the log goes on is kept with the halt, told by accepting, and forgotten then; another topic is read from its beginning."""
    held = taken(stage, a=Log(ID, 0, 10))["a"]
    connection.execute("update ingest_offset set next_offset = 5")
    briefly(stage, lambda one: halt(one, held.id, held.epoch, "a gap", 7))

    (accepted,) = accept(connection, A[0], {A: Log(ID, 0, 10)})
    assert str(accepted) == "muara.99.1.household.v1[0] reads on at 7: offsets 5 to 6 are skipped"
    assert taken(stage, a=Log(ID, 0, 10))["a"].next_offset == 7
    connection.execute("update ingest_offset set halted = 'because'")
    assert str(accept(connection, A[0], {A: Log(ID, 0, 10)})[0]) == "muara.99.1.household.v1[0] reads on at 7: nothing is skipped"

    epoch = taken(stage, a=Log(ID, 0, 10))["a"].epoch
    briefly(stage, lambda one: halt(one, held.id, epoch, "another gap", 9))
    (accepted,) = accept(connection, A[0], {A: Log(OTHER_ID, 0, 20)})
    assert str(accepted) == "muara.99.1.household.v1[0] reads on at 0 of the topic made anew"


def test_a_topic_that_is_gone_cannot_be_accepted(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """There is nothing to read on in; what to do is said, and the partition stays halted."""
    taken(stage, a=Log(ID, 0, 10))
    connection.execute("update ingest_offset set halted = 'because'")

    with pytest.raises(TopicGone, match=f"topic {A[0]} does not exist or has no leader now, .* make it again"):
        accept(connection, A[0], {})
    assert stands(connection)[0].halted == "because"


def test_what_nobody_halted_cannot_be_accepted(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """Accepting what moves, or what was never read, is refused with a sentence that names the topic and the remedy."""
    taken(stage, a=Log(ID, 0, 10))
    for topic in (A[0], "muara.99.9.household.v1"):
        with pytest.raises(NotHalted, match=f"no partition of {topic} is halted: muara offsets show lists those that are"):
            accept(connection, topic, {A: Log(ID, 0, 10)})
    assert [Stand(*A, 0, 1, None)] == stands(connection)


def test_what_a_partition_waits_for_is_known_until_another_worker_takes_it(stage: Stage, connection: psycopg.Connection[Any]) -> None:
    """It is noted by who holds the partition alone, and whoever takes it over begins without."""
    held = taken(stage, a=Log(ID, 0, 9), b=Log(ID, 0, 9))
    briefly(stage, lambda one: waits(one, held["a"].id, 1, "the registry is away"))
    briefly(stage, lambda one: waits(one, held["b"].id, 0, "said by one that was overtaken"))
    noted = [one.waits_for for one in stands(connection)]
    taken(stage, a=Log(ID, 0, 9))

    assert (noted, [one.waits_for for one in stands(connection)]) == (["the registry is away", None], [None, None])

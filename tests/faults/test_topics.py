"""Topics made anew and logs with gaps: that partition alone halts, visibly, until a person accepts; then it ends exact."""

import signal
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.embedded import EmbeddedServices
from processors.app import EXIT_FAILED, EXIT_STALLED
from processors.broker import Broker
from processors.store.offsets import accept
from schemas.events import HouseholdChanged
from schemas.topics import household_topic
from tests.faults.broker_files import cut_off_the_end, log_of
from tests.integration.events import Dice, changed, household_key, life
from tests.integration.stage import Stage, until
from tests.integration.workers import working

FEW, MANY = 10, 40


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Two regencies: something happens to the first one's topic."""
    return Stage.set(services, 2)


def some(stage: Stage, number: int, regency: int = 0, seed: int = 0) -> Iterator[HouseholdChanged]:
    """Return random changes of one regency."""
    claims = [(stage.regencies[regency], "carik")]
    return life(Dice(seed), claims, [household_key((regency, one)) for one in range(8)], number)


def lost(stage: Stage, number: int) -> list[HouseholdChanged]:
    """Return changes of households that nobody else speaks of: the broker will lose them."""
    return [changed(household_key(("lost", one)), stage.regencies[0], size=2) for one in range(number)]


def halted(stage: Stage) -> dict[str, str]:
    """Return the causes of the halted partitions by regency's topic."""
    return {topic: cause for topic, (_, cause) in stage.offsets().items() if cause}


def accepted(stage: Stage) -> int:
    """Accept the first regency's topic as an operator does, and return where it reads on."""
    topic = household_topic(stage.regencies[0])
    with stage.connect() as connection:
        (stand,) = accept(connection, topic, Broker(stage.kafka).logs([(topic, 0)]))
    return stand.next_offset


def forget(stage: Stage, before: int) -> None:
    """Let the broker lose the records of the first regency below an offset."""
    admin = AdminClient({"bootstrap.servers": stage.kafka, "log_level": 0})
    for answer in admin.delete_records([TopicPartition(household_topic(stage.regencies[0]), 0, before)]).values():
        answer.result(20)


def make_anew(stage: Stage) -> None:
    """Delete the first regency's topic and make it again."""
    topic = household_topic(stage.regencies[0])
    admin = AdminClient({"bootstrap.servers": stage.kafka, "log_level": 0})
    admin.delete_topics([topic])[topic].result(20)

    def made() -> bool:
        try:
            stage.make_topic(stage.regencies[0])
        except KafkaException:
            return False
        return True

    until(made, 20)


@pytest.mark.parametrize(("runs", "more"), [(True, FEW), (True, MANY), (False, MANY)])
def test_a_topic_made_anew_is_halted_until_it_is_accepted(stage: Stage, more: int, *, runs: bool) -> None:
    """
    Whether a worker runs meanwhile or starts later, and whether fewer or more records came since, the new topic waits.

    The other one goes on, and what was said in both lives of the topic counts in the end.
    """
    topic = household_topic(stage.regencies[0])
    with working(stage) as workers:
        stage.send(some(stage, 20))
        stage.drained()
        if not runs:
            workers.signal(signal.SIGTERM)
            workers.supervisor.stop()
        make_anew(stage)
        stage.send(some(stage, more, seed=1))
        stage.send(some(stage, 20, regency=1))
        with working(stage) as later:
            until(lambda: "made anew" in halted(stage).get(topic, ""), 30, stage.offsets)
            stage.drained(halted=stage.regencies[:1])
            assert {topic} == set(halted(stage))

            assert accepted(stage) == 0
            stage.send(some(stage, 5, seed=2))
            stage.drained()
            assert halted(stage) == {}
            assert {EXIT_FAILED, EXIT_STALLED}.isdisjoint(later.exits() + workers.exits())
    stage.assert_exact()


def test_records_lost_before_a_start_halt_their_partition(stage: Stage) -> None:
    """A log that begins after the next offset is seen when the partition is taken over, and told with its numbers."""
    topic = household_topic(stage.regencies[0])
    with working(stage):
        stage.send(some(stage, 20))
        stage.drained()
    stage.send(lost(stage, 10), noted=False)
    stage.send(some(stage, 10, seed=1))
    stage.send(some(stage, 10, regency=1))
    forget(stage, 25)
    forget(stage, 30)
    with working(stage):
        until(lambda: topic in halted(stage), 20, stage.offsets)
        assert "next offset 20 " in halted(stage)[topic]
        assert "(30 to 40)" in halted(stage)[topic]
        stage.drained(halted=stage.regencies[:1])

        assert accepted(stage) == 30
        stage.drained()
    stage.assert_exact()


def test_records_lost_under_a_running_worker_halt_its_partition(stage: Stage) -> None:
    """A worker that slept while the broker lost records seeks back, finds the gap again, and halts that partition alone."""
    topic = household_topic(stage.regencies[0])
    with working(stage) as workers:
        stage.send(some(stage, 20))
        stage.drained()
        workers.signal(signal.SIGSTOP)
        stage.send(some(stage, 1, seed=3))  # answers the fetch that the worker has left with the broker
        stage.send(lost(stage, 10), noted=False)
        stage.send(some(stage, 10, seed=1))
        stage.send(some(stage, 10, regency=1))
        forget(stage, 31)
        workers.signal(signal.SIGCONT)
        until(lambda: topic in halted(stage), 20, stage.offsets)
        stage.drained(halted=stage.regencies[:1])
        assert halted(stage).keys() == {topic}

        assert accepted(stage) == 31
        stage.drained()
        assert workers.exits() == []
    stage.assert_exact()


def test_a_log_cut_under_a_running_worker_halts_its_partition(services: EmbeddedServices, stage: Stage) -> None:
    """
    After an unclean election the log ends before the next offset: what is sent then takes offsets that were read already.

    The client reads from the beginning again without a word, and all of it would pass for a replay.
    """
    topic = household_topic(stage.regencies[0])
    with working(stage) as workers:
        for number in range(10):
            stage.send(some(stage, 1, seed=number))
        stage.drained()
        services.kafka.kill()
        cut_off_the_end(log_of(services, topic), 6)
        services.kafka.start()
        assert stage.ends()[topic] == 4
        other = stage.producer()  # the former one still numbers its records after those that were cut off
        stage.send(lost(stage, 3), other, noted=False)
        stage.send(some(stage, 10, regency=1), other)
        until(lambda: topic in halted(stage), 40, stage.offsets)
        assert "the next offset 10 " in halted(stage)[topic]
        assert "outside the log (0 to " in halted(stage)[topic]
        stage.drained(halted=stage.regencies[:1])

        assert accepted(stage) == 7
        stage.send(some(stage, 5, seed=20), other)
        stage.drained()
        assert workers.exits() == []
    stage.assert_exact()


def test_records_of_a_transaction_halt_their_partition(stage: Stage) -> None:
    """
    Whoever writes a regency's topic in transactions is found out by its markers, which leave holes in the offsets.

    Aborted records would be read as if they counted. Accepting goes on behind a marker, since nothing was lost there.
    """
    topic = household_topic(stage.regencies[0])
    writer = stage.producer(**{"transactional.id": stage.group})
    writer.init_transactions(20)
    for turn in range(2):
        writer.begin_transaction()
        stage.send(some(stage, 5, seed=turn), writer)
        writer.commit_transaction(20)
    with working(stage) as workers:
        until(lambda: topic in halted(stage), 20, stage.offsets)
        assert stage.offsets()[topic][0] == 5
        assert workers.exits() == []

        assert accepted(stage) == 6
        until(lambda: stage.offsets()[topic] == (11, None), 20, stage.offsets)
    stage.assert_exact()

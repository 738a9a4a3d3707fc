"""A rebuild against a real broker and database: what it finds, repairs and refuses, and that until its commit nothing moved."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import date
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.embedded import EmbeddedServices
from processors.broker import Broker
from processors.columns.reading import BlockFrom, Readers, read
from processors.indicators.catalogue import MEASURES
from processors.replay import LogGap, Replay
from processors.settings import WorkerSettings
from processors.store.batch import Part, commit_batch
from processors.store.connection import connect_worker
from processors.store.offsets import take_over
from processors.store.rebuild import LogNotWhole, RebuildRuns, Rebuilt, rebuild
from processors.store.reference_load import load_lines, load_regions
from processors.store.reference_sheets import LineRow, RegionRow, Sheet
from processors.store.verify import verify
from schemas.codec import encode
from schemas.registry import Registry
from schemas.topics import household_topic, regency_of
from tests.integration.events import Dice, changed, household_key, life
from tests.integration.stage import Stage
from tests.integration.workers import working
from tests.processors.store.office import fold_all

EVENTS, HOUSEHOLDS = 5_000, 300
Tell = Callable[[str, int, int], None]


def rebuilt(stage: Stage, progress: Tell | None = None, **how: bool) -> Rebuilt:
    """Rebuild a stage."""
    with closing(Registry(stage.registry)) as schemas:
        return rebuild(WorkerSettings(stage.kafka, stage.registry, stage.database), schemas, progress=progress, **how)


def counts(done: Rebuilt) -> dict[str, tuple[int, int, int]]:
    """Return what differs, is missing, is only held, by kind."""
    return {one.kind: (one.otherwise, one.missing, one.surplus) for one in done.compared}


def words(done: Rebuilt) -> str:
    """Return all that was said of differences."""
    return "\n".join(f"{one.name}: {one.what}" for kind in done.compared for one in kind.first)


def all_rows(stage: Stage) -> list[list[Any]]:
    """Return every row of every live table, with the transaction that wrote it."""
    tables = ("household", "cell", "cell_change", "ingest_offset", "rejected", "outbox", "publication", "reference_version", "poverty_line")
    with stage.connect() as conn:
        return [sorted(conn.execute(f"select xmin::text, {table}.* from {table}".encode()).fetchall(), key=repr) for table in tables]  # noqa: S608


def leftovers(stage: Stage) -> list[Any]:
    """Return the schemas besides the product's own."""
    with stage.connect() as conn:
        return conn.execute("select nspname from pg_namespace where nspname like 'muara%'").fetchall()


def assert_verified(stage: Stage) -> None:
    """Hold all figures against the second opinion, and all against the law."""
    stage.assert_exact()
    fold_all(stage.database)
    with stage.connect() as conn:
        verification = verify(conn)
    assert verification.exact
    assert not verification.dirty
    assert verification.cells


def poison(stage: Stage, producer: Producer) -> None:
    """Send what can never be applied, one of each form that a record can have."""
    topic = household_topic(stage.regencies[0])
    event = changed(household_key("poisoned"), stage.regencies[0], village=f"{stage.regencies[0]}.01.1001", size=2)
    good = encode(event, stage.schema_id())
    producer.produce(topic, None, event.household)
    producer.produce(topic, good, None)
    producer.produce(topic, b"", event.household)
    producer.produce(topic, b"\0\0\0\0\7garbage", event.household)
    producer.produce(topic, good, event.household, headers=[("__value_schema_id", b"\1" + bytes(16))])
    producer.produce(topic, good, b"another key 16 b")
    producer.produce(topic, encode(changed(event.household, stage.regencies[1], size=1), stage.schema_id()), event.household)
    assert producer.flush(20) == 0


def merge(stage: Stage, end: int | None = None) -> None:
    """Merge all that the topics hold (or what lies below `end`) and was not merged, as a worker does; half of it waits for the fold."""

    async def work() -> None:
        logs = Broker(stage.kafka).logs([(household_topic(code), 0) for code in stage.regencies])
        readers, reference = Readers(schemas), stage.reference()
        async with await psycopg.AsyncConnection.connect(stage.database, autocommit=True) as taking:
            held = await take_over(taking, logs)
        async with await connect_worker(stage.database) as conn:
            for batch in replay.batches({one: (state.next_offset, logs[one].end if end is None else end) for one, state in held.items()}):
                order = sorted(batch, key=lambda one: held[one].id)
                parts = [Part(held[one].id, held[one].epoch, batch[one][0].first, batch[one][-1].last + 1) for one in order]
                blocks = [BlockFrom(block, *one, regency_of(one[0])) for one in order for block in batch[one]]
                await commit_batch(conn, parts, read(blocks, reference, reference.limits, readers), reference, blocks[0].block.timestamp_ms)

    with closing(Replay(stage.kafka)) as replay, closing(Registry(stage.registry)) as schemas:
        asyncio.run(work())


def speak(stage: Stage, merged: Callable[[Stage], object]) -> None:
    """Say some thousand random things and a few poisoned ones, in slices that are merged one by one; fold the first half."""
    households = [household_key(number) for number in range(HOUSEHOLDS)]
    dice = Dice(11)
    stage.send(life(dice, stage.claims, households, EVENTS // 2))
    poison(stage, stage.producer())
    merged(stage)
    fold_all(stage.database)
    for _ in range(5):
        stage.send(life(dice, stage.claims, households, EVENTS // 10))
        merged(stage)
    # With headers of another kind it stands, and is decoded one by one.
    marked = changed(household_key("marked"), stage.regencies[1], village=f"{stage.regencies[1]}.01.1001", size=2, expenditure=800_000)
    stage.remember(marked)
    producer = stage.producer()
    headers: list[tuple[str, str | bytes | None]] = [("trace", b"x"), ("none", None)]
    producer.produce(household_topic(marked.region), encode(marked, stage.schema_id()), marked.household, headers=headers)
    assert producer.flush(20) == 0
    merged(stage)


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Three regencies of which all was merged, half folded."""
    made = Stage.set(services, 3)
    speak(made, merge)
    return made


def test_what_a_worker_merged_is_found_equal_and_left_alone(services: EmbeddedServices) -> None:
    """What a worker took from Kafka's own batches is equal record by record; nothing is written and nothing is left behind."""
    stage = Stage.set(services, 3)
    with working(stage):
        speak(stage, lambda stage: stage.drained())
    before = all_rows(stage)

    done = rebuilt(stage)

    assert done.same
    assert not done.taken_over
    assert done.records == sum(stage.ends().values())
    equal = {one.kind: one.equal for one in done.compared}
    assert equal["household"] == len(stage.held())
    assert equal["cell"] > 100
    assert equal["rejected"] == 7
    assert all_rows(stage) == before
    assert leftovers(stage) == []


def test_damage_is_named_and_repaired(stage: Stage) -> None:
    """Rows changed by hand are found, named without their values, and repaired, rows of all kinds at once; figures are sent again."""
    fold_all(stage.database)
    with stage.connect() as conn:
        conn.execute("delete from outbox")
        damaged, lost = [row[0] for row in conn.execute("select id from household order by id limit 2").fetchall()]
        # The expenditure of the first statement: bytes 35 to 42.
        conn.execute(
            "update household set statements = overlay(statements placing '\\x00000000000000aa'::bytea from 35) where id = %s", (damaged,)
        )
        conn.execute("delete from household where id = %s", (lost,))
        conn.execute(
            "update cell set poor_people = poor_people + 3 from region as one"
            " where one.id = cell.region and code = '99' and month = '2020-05-01'"
        )
        conn.execute("delete from cell where region = (select id from region where code = %s)", (f"{stage.regencies[0]}.01.2001",))
        conn.execute("update rejected set cause = 'invented' where id = (select min(id) from rejected)")
        conn.execute("delete from rejected where id = (select max(id) from rejected)")

    done = rebuilt(stage)

    found = counts(done)
    assert found["household"] == (1, 1, 0)
    assert found["cell"][0] in (1, 2)
    assert found["cell"][1] > 0
    assert found["rejected"] == (1, 1, 0)
    assert f"household {damaged}: 99." in words(done)
    assert "has another expenditure" in words(done)
    assert f"household {lost}: is not held" in words(done)
    assert "cell 99 urban 2020-05: poor_people is " in words(done)
    assert "was invented, replayed " in words(done)
    assert done.taken_over
    assert done.shrinking == 0
    assert rebuilt(stage).same
    assert_verified(stage)
    with stage.connect() as conn:
        row = conn.execute("select count(*), min(from_month) from outbox join region on region.id = region").fetchone()
    assert row == (2 * 5, date(2020, 1, 1))


def test_what_cannot_be_read_while_it_waits_for_the_fold_is_given_up(stage: Stage) -> None:
    """Cell changes that are torn, of unknown villages, or missing are found, and the cells come out exact."""
    with stage.connect() as conn:
        numbers = [row[0] for row in conn.execute("select id from cell_change order by id").fetchall()]
        assert len(numbers) == 6
        conn.execute("update cell_change set amounts = substr(amounts, 9) where id = %s", (numbers[0],))
        conn.execute("update cell_change set keys = set_byte(keys, 0, 64) where id = %s", (numbers[1],))
        conn.execute("delete from cell_change where id = %s", (numbers[2],))

    done = rebuilt(stage)

    assert done.unreadable == 2
    assert counts(done)["household"] == (0, 0, 0)
    assert sum(counts(done)["cell"]) > 0
    assert done.taken_over
    assert rebuilt(stage).same
    assert_verified(stage)


def test_a_comparison_changes_nothing(stage: Stage) -> None:
    """With `compare_only` the same is found and nothing is written."""
    with stage.connect() as conn:
        conn.execute("update cell set people = people + 1 where level = 'nation'")
    before = all_rows(stage)

    done = rebuilt(stage, compare_only=True)

    assert counts(done)["cell"][0] > 0
    assert not done.taken_over
    assert all_rows(stage) == before


def test_what_no_record_says_is_taken_away_only_when_asked(stage: Stage) -> None:
    """A household that only the live tables hold stays, with everything else, until its loss is accepted."""
    with stage.connect() as conn:
        conn.execute("insert into household select '00000000-0000-0000-0000-000000000001', statements from household limit 1")
        conn.execute("update cell set people = people + 1 where level = 'nation'")
    before = all_rows(stage)

    refused = rebuilt(stage)

    assert refused.shrinking == 1
    assert not refused.taken_over
    assert all_rows(stage) == before
    assert "household 00000000-0000-0000-0000-000000000001: was not said by any record" in words(refused)
    assert rebuilt(stage, accept_loss=True).taken_over
    assert_verified(stage)


def test_what_a_village_was_before_it_moved_stays_said(stage: Stage) -> None:
    """Records that a regency sent of a village that lies in another one now are accepted by the replay as they were."""
    code, other = stage.regencies[:2]
    moved = RegionRow(f"{code}.01.1001", None, "VILLAGE ONE", "village", f"{other}.01", "urban")
    with stage.connect() as conn:
        assert load_regions(conn, Sheet("regions.csv", (moved,))).households > 0

    assert rebuilt(stage).same


def test_limits_that_held_hold_in_the_replay(stage: Stage) -> None:
    """What was accepted by wider limits than a process would have of itself is accepted again."""
    with stage.connect() as conn:
        load_regions(conn, Sheet("regions.csv", ()), limits={"household_size": 1_000, "days_ahead": 9})
    code = stage.regencies[0]
    stage.send([changed(household_key("large"), code, village=f"{code}.01.1001", size=900, expenditure=1)])
    merge(stage)
    assert stage.expected_held() == stage.held()

    assert rebuilt(stage).same


def test_dead_letters_of_a_topic_that_was_made_anew_stay(stage: Stage) -> None:
    """No record can say them again, and they are evidence: a rebuild neither misses nor takes them away."""
    with stage.connect() as conn:
        conn.execute(
            "insert into rejected (topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest)"
            " select topic, 'of the former topic', partition, record_offset, arrived_at, 'former', field, message, digest from rejected"
        )
        conn.execute("delete from rejected where id = (select min(id) from rejected)")

    done = rebuilt(stage)

    assert counts(done)["rejected"] == (0, 1, 0)
    assert done.taken_over
    with stage.connect() as conn:
        assert conn.execute("select count(*) filter (where cause = 'former'), count(*) from rejected").fetchone() == (7, 14)


def test_figures_of_another_catalogue_are_made_anew(stage: Stage) -> None:
    """Where the stored catalogue is another, everything is taken over, all is sent again, and whoever holds the old version finds out."""
    with stage.connect() as conn:
        row = conn.execute("update reference_version set catalogue_hash = 'another' returning version").fetchone()
        conn.execute("update cell set modelled_people = 0")
        conn.execute("update cell_change set amounts = substr(amounts, 1, length(amounts) / %s * %s)", (len(MEASURES), len(MEASURES) - 1))
    assert row is not None

    done = rebuilt(stage)

    assert done.catalogue_changed
    assert done.taken_over
    assert counts(done)["household"] == (0, 0, 0)
    assert stage.reference().version == row[0] + 1
    assert rebuilt(stage).same
    assert_verified(stage)


def test_reference_data_that_moves_starts_the_replay_over(stage: Stage) -> None:
    """A line loaded during the replay governs every figure that is compared and taken over."""
    loads = [
        LineRow("national", "99", "urban", date(2020, 8, 1), 700_000, "invented", 2),
        LineRow("extreme", "ID", "all", date(2021, 1, 1), 500_000, "invented", 2),
    ]
    begun: list[str] = []

    def load(step: str, done: int, of: int) -> None:
        if step == "replay":
            begun.append(step)
            if done and loads:
                with stage.connect() as conn:
                    load_lines(conn, Sheet("lines.csv", (loads.pop(),)))

    with stage.connect() as conn:
        conn.execute("update household set statements = substr(statements, 1, 42) where length(statements) > 42")

    done = rebuilt(stage, load)

    assert not loads
    assert counts(done)["household"][0] > 0
    assert done.taken_over
    assert rebuilt(stage).same
    assert_verified(stage)


def test_only_one_rebuild_at_a_time(stage: Stage) -> None:
    """A second one is refused with one clear line, and does not disturb the first."""
    refused: list[str] = []

    def second(step: str, done: int, of: int) -> None:
        if step == "compare" and not refused:
            with pytest.raises(RebuildRuns) as error:
                rebuilt(stage)
            refused.append(str(error.value))

    assert rebuilt(stage, second).same
    assert refused == ["another muara rebuild is at work on this database: wait until it has ended"]


def test_records_that_the_broker_no_longer_holds_are_named_and_nothing_changes(stage: Stage) -> None:
    """A topic that is gone, was made anew, or lost its first records is no ground to compare with."""
    gone, cut = household_topic(stage.regencies[2]), household_topic(stage.regencies[1])
    admin = AdminClient({"bootstrap.servers": stage.kafka})
    with stage.connect() as conn:
        conn.execute("update cell set people = people + 1 where level = 'nation'")
    before = all_rows(stage)

    for answer in admin.delete_topics([gone]).values():
        answer.result(20)
    with pytest.raises(LogNotWhole, match="the topic is gone"):
        rebuilt(stage)
    stage.make_topic(stage.regencies[2])
    with pytest.raises(LogNotWhole, match="the topic was deleted and made anew"):
        rebuilt(stage)
    for answer in admin.delete_records([TopicPartition(cut, 0, 10)]).values():
        answer.result(20)
    with pytest.raises(LogNotWhole) as error:
        rebuilt(stage)

    assert str(error.value).startswith(f"{cut}[0] cannot be replayed (its log begins at offset 10)")
    assert all_rows(stage) == before
    assert leftovers(stage) == []


def test_what_the_broker_lost_is_given_up_only_when_asked(stage: Stage) -> None:
    """Of topics that are gone, made anew, or cut, what is left is replayed, what was lost is said, and the rest comes out exact."""
    gone, cut = (household_topic(code) for code in stage.regencies[:0:-1])
    admin = AdminClient({"bootstrap.servers": stage.kafka})
    for answer in (*admin.delete_topics([gone]).values(), *admin.delete_records([TopicPartition(cut, 0, 10)]).values()):
        answer.result(20)
    with stage.connect() as conn:
        conn.execute("update reference_version set catalogue_hash = 'another'")
        dead = conn.execute("select count(*) from rejected where topic = %s", (gone,)).fetchone()

    done = rebuilt(stage, accept_loss=True)

    assert done.taken_over
    assert done.lost == (f"{cut}[0]: its log begins at offset 10", f"{gone}[0]: the topic is gone")
    assert rebuilt(stage, accept_loss=True).same
    fold_all(stage.database)
    with stage.connect() as conn:
        assert verify(conn).exact
        claims = conn.execute("select distinct code from statement join region on region.id = claim_region order by 1").fetchall()
        assert claims == sorted((code,) for code in stage.regencies[:2])
        assert conn.execute("select count(*) from rejected where topic = %s", (gone,)).fetchone() == dead


def test_a_gap_inside_the_log_is_passed_over_only_when_asked(services: EmbeddedServices) -> None:
    """Marks of transactions leave offsets without a record, also as the last before the next offset: nothing of them is missing."""
    stage = Stage.set(services, 1)
    topic = household_topic(stage.regencies[0])
    writer = stage.producer(**{"transactional.id": stage.group})
    writer.init_transactions(20)
    for turn in range(3):
        writer.begin_transaction()
        stage.send(life(Dice(turn), stage.claims, [household_key(number) for number in range(9)], 5), writer)
        writer.commit_transaction(20)
        with stage.connect() as conn:
            conn.execute("update ingest_offset set next_offset = %s", (6 * turn,))
        if turn < 2:
            merge(stage, end=6 * turn + 5)
    with stage.connect() as conn:
        conn.execute("update ingest_offset set next_offset = 12")

    with pytest.raises(LogGap, match="goes on at offset 6 instead of 5"):
        rebuilt(stage)
    done = rebuilt(stage, accept_loss=True)

    assert done.same
    assert done.records == 10
    assert done.lost == (f"{topic}[0]: no record at offsets 5 to 5", f"{topic}[0]: no record at offsets 11 to 11")

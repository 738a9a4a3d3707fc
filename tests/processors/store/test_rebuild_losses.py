"""What a rebuild may not lose, what it gives up when asked to, and what it says of it; on a real Kafka and PostgreSQL."""

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.embedded import EmbeddedServices
from processors.broker import Broker, BrokerAway
from processors.replay import LogGap
from processors.store.rebuild import LogNotWhole
from processors.store.reference_load import load_regions
from processors.store.reference_sheets import RegionRow, Sheet
from processors.store.verify import verify
from schemas.topics import household_topic
from tests.integration.events import Dice, changed, household_key, life
from tests.integration.stage import Stage
from tests.processors.store.office import fold_all
from tests.processors.store.rebuilding import all_rows, assert_verified, counts, leftovers, merge, rebuilt, spoken, words


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Three regencies of which all was merged, half folded."""
    return spoken(services)


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


def test_a_partition_without_a_leader_is_no_loss(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is down holds its records: they are waited for, and never given up."""
    known, away = Broker.logs, (household_topic(stage.regencies[1]), 0)
    before = all_rows(stage)
    monkeypatch.setattr(Broker, "logs", lambda self, wanted: {one: log for one, log in known(self, wanted).items() if one != away})

    with pytest.raises(BrokerAway, match=f"nobody leads {away[0]}"):
        rebuilt(stage, accept_loss=True)

    assert all_rows(stage) == before

"""Dead letters listed, grouped, found and taken in order, and what the audit knows of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from processors.repair.mending import Change
from processors.store import letters
from processors.store.letters import Filters, Letter, NoSuchLetter, counted, grouped, in_order, letter, listed
from processors.store.migrate import migrate
from processors.store.repairs import RepairRuns, ToSend, alone, audit, begin, broken_off, done, of_letter
from schemas.signed import Signed
from tests.processors.store.office import connect

TOPICS = ("muara.91.01.household.v1", "muara.91.02.household.v1")
MIDNIGHT = datetime(2024, 3, 31, 15, tzinfo=UTC)
"""Of 2024-04-01 in UTC+9."""
SIGNED = Signed("OFFICER 01", "muara", "the village was split", "villages.toml", bytes(32))
CHANGE = Change("residence.village", "table", "91.01.01.1009", "91.01.01.1001")


@pytest.fixture
def rejected(conn: Connection[Any]) -> Connection[Any]:
    """Twelve dead letters of two causes and two topics, one every second around midnight of UTC+9."""
    migrate(conn)
    for number in range(12):
        conn.execute(
            "insert into rejected (topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest)"
            " values (%s, %s, 0, %s, %s, %s, %s, 'words', %s)",
            (
                TOPICS[number % 2],
                "second" if number > 9 else "first",
                100 - number,
                MIDNIGHT + timedelta(seconds=number - 6),
                ("village_unknown", "size_beyond_reason")[number % 3 == 0],
                ("residence.village", "composition.size")[number % 3 == 0],
                bytes([number]) * 32,
            ),
        )
    return conn


def to_send(one: Letter) -> ToSend:
    """Return its repair."""
    return ToSend(one, [CHANGE], one.topic, bytes(32))


def offsets(found: list[Letter]) -> list[int]:
    """Return where dead letters lie."""
    return [one.offset for one in found]


def test_filters_choose(rejected: Connection[Any]) -> None:
    """Each filter alone and all together choose; the newest come first, as many as are wanted."""
    every = listed(rejected, Filters(), 100)
    assert offsets(every) == list(range(89, 101))
    assert offsets(listed(rejected, Filters(), 2)) == [89, 90]
    assert {one.cause for one in listed(rejected, Filters(cause="village_unknown"), 100)} == {"village_unknown"}
    assert {one.field for one in listed(rejected, Filters(field="composition.size"), 100)} == {"composition.size"}
    assert {one.topic for one in listed(rejected, Filters.of_regencies(["91.02"]), 100)} == {TOPICS[1]}
    assert offsets(listed(rejected, Filters(since=date(2024, 4, 1)), 100)) == list(range(89, 95))
    assert offsets(listed(rejected, Filters(until=date(2024, 3, 31)), 100)) == list(range(95, 101))
    one = Filters(cause="village_unknown", topics=[TOPICS[0]], since=date(2024, 4, 1), until=date(2024, 4, 1))
    assert counted(rejected, one) == len(listed(rejected, one, 100)) == 2
    assert counted(rejected, Filters(since=date(2024, 4, 2))) == 0


def test_groups_count_by_cause_field_and_topic(rejected: Connection[Any]) -> None:
    """Of each group the count, the first and last arrival, and where the last one lies."""
    found = grouped(rejected, Filters())

    assert [(one.cause, one.topic, one.count) for one in found] == [
        ("village_unknown", TOPICS[0], 4),
        ("village_unknown", TOPICS[1], 4),
        ("size_beyond_reason", TOPICS[0], 2),
        ("size_beyond_reason", TOPICS[1], 2),
    ]
    assert (found[0].first_at, found[0].last_at) == (MIDNIGHT - timedelta(seconds=4), MIDNIGHT + timedelta(seconds=4))
    assert letter(rejected, found[0].example).arrived_at == found[0].last_at


@pytest.mark.parametrize("which", ["x", "", "0", "-1", "1:2", "a:b:c", f"{TOPICS[0]}:0:1", f"{TOPICS[0]}:0:", "9" * 30, "1; drop"])
def test_one_that_is_not_there_is_told(rejected: Connection[Any], which: str) -> None:
    """Whatever does not name a dead letter is one clear line."""
    with pytest.raises(NoSuchLetter, match="as muara rejected list --all shows"):
        letter(rejected, which)


def test_one_is_found_by_id_and_by_coordinates(rejected: Connection[Any]) -> None:
    """Both name the same; of a topic made anew the newest record at an offset is meant."""
    one = listed(rejected, Filters(), 1)[0]
    rejected.execute(
        "insert into rejected (topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest)"
        " select topic, 'third', partition, record_offset, arrived_at, cause, field, message, digest from rejected where id = %s",
        (one.id,),
    )

    assert letter(rejected, str(one.id)) == one
    assert letter(rejected, f"{one.topic}:0:{one.offset}").topic_id == "third"


def test_all_come_in_the_order_of_their_topics(rejected: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks hold one partition of one topic each, by growing offset: every dead letter once, but what comes meanwhile."""
    monkeypatch.setattr(letters, "CHUNK", 3)
    chunks = []
    for chunk in in_order(rejected, Filters()):
        chunks.append(chunk)
        rejected.execute(
            "insert into rejected (topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest)"
            " values ('z', 'z', 0, %s, now(), 'village_unknown', '', '', '')",
            (len(chunks),),
        )

    places = [(one.topic, one.topic_id, one.offset) for chunk in chunks for one in chunk]
    assert places == sorted(places)
    assert len(places) == len(set(places)) == 12
    assert all(len({(one.topic, one.topic_id) for one in chunk}) == 1 for chunk in chunks)
    assert max(map(len, chunks)) <= 3


def test_a_repair_is_noted_before_and_after(rejected: Connection[Any]) -> None:
    """Begun it is broken off until its place is known; then its dead letter leaves the lists, and a second one of the topic stays."""
    one, other = listed(rejected, Filters(), 2)

    numbers = begin(rejected, SIGNED, [to_send(one), to_send(other)])
    assert broken_off(rejected, [one, other]) == {one.id, other.id}
    assert counted(rejected, Filters()) == 12
    assert begin(rejected, SIGNED, [to_send(one), to_send(other)]) == numbers
    done(rejected, {numbers[0]: (0, 500)})

    assert broken_off(rejected, [one, other]) == {other.id}
    assert one.id not in [each.id for each in listed(rejected, Filters(), 100)]
    assert [each.repaired for each in listed(rejected, Filters(repaired=True), 2)] == [True, False]
    (known,) = of_letter(rejected, one)
    assert (known.by, known.reason, known.sent_offset, known.changes) == (
        SIGNED.by,
        SIGNED.reason,
        500,
        [{"field": "residence.village", "how": "table", "before": "91.01.01.1009", "after": "91.01.01.1001"}],
    )
    assert [each.sent_at is None for each in audit(rejected, 10)] == [True, False]


def test_another_s_repair_is_another_row(rejected: Connection[Any]) -> None:
    """What one person broke off is not gone on with in another's name, for another reason, or by another file."""
    (one,) = listed(rejected, Filters(), 1)
    others = [
        Signed("OFFICER 02", *("muara", "the village was split", "villages.toml"), bytes(32)),
        Signed("OFFICER 01", *("muara", "another reason", "villages.toml"), bytes(32)),
        Signed("OFFICER 01", *("muara", "the village was split", "villages.toml"), bytes([1]) * 32),
    ]

    numbers = [begin(rejected, signed, [to_send(one)])[0] for signed in (SIGNED, *others)]

    assert len(set(numbers)) == 4
    done(rejected, {numbers[-1]: (0, 1)})
    assert broken_off(rejected, [one]) == set()
    assert [each.id for each in audit(rejected, 10, by="OFFICER 02")] == [numbers[1]]


def test_only_one_repair_sends_at_a_time(rejected: Connection[Any], database: str) -> None:
    """A second one is refused, until the first has ended."""
    with connect(database) as second:
        with alone(rejected), pytest.raises(RepairRuns), alone(second):
            pass
        with alone(second):
            pass

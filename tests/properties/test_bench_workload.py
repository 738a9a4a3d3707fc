"""The benchmark's events, put together from pieces, are events of the contract: fastavro reads them, and writes the same bytes."""

from collections import Counter
from datetime import date
from itertools import chain, pairwise

from schemas.codec import FRAME, encode_record, parsed, read_body
from schemas.events import Operation
from tests.bench.workload import Workload

VILLAGES = ("31.74.01.1001", "31.74.02.1003", "31.01.01.1001")
SCHEMA = parsed("HouseholdChanged")
SCHEMA_ID, HOUSEHOLDS, UPDATES = 70_000, 600, 3_000


def test_fastavro_reads_the_events_of_the_bench_and_writes_the_same_bytes() -> None:
    """Every event of the first load, the updates and the rotation: no byte is left over, missing or another."""
    workload = Workload(VILLAGES, HOUSEHOLDS, SCHEMA_ID)
    for change in chain(workload.first(), workload.updates(UPDATES), workload.renamed(), workload.updates(UPDATES)):
        record = read_body(change.value[FRAME:], SCHEMA, SCHEMA)
        assert encode_record("HouseholdChanged", record, SCHEMA_ID) == change.value
        assert (record["household"], record["region"]) == (change.key, change.regency)
        assert record["residence"]["village"].startswith(f"{change.regency}.")
        assert len(record["members"]) == record["composition"]["size"]


def test_the_events_of_the_bench_have_all_sections_that_carik_has_and_four_members() -> None:
    """Nutrition alone is missing: Carik knows none. The bytes of an event are those that are told with the figures."""
    changes = list(Workload(VILLAGES, HOUSEHOLDS, SCHEMA_ID).first())
    records = [read_body(change.value[FRAME:], SCHEMA, SCHEMA) for change in changes]
    assert all(record["dwelling"] and record["welfare"] and record["programmes"] and record["nutrition"] is None for record in records)
    assert 3.8 < sum(len(record["members"]) for record in records) / HOUSEHOLDS < 4.2
    assert 235 < sum(len(change.value) for change in changes) / HOUSEHOLDS < 260


def test_the_updates_of_the_bench_are_as_mixed_as_it_says() -> None:
    """Spread over all households; moves, ENDs and retractions are among them, and some have been held back behind newer ones."""
    workload = Workload(VILLAGES, HOUSEHOLDS, SCHEMA_ID)
    homes = {change.household: read_body(change.value[FRAME:], SCHEMA, SCHEMA)["residence"]["village"] for change in workload.first()}
    revisions, touched, moved, operations = [0], set(), 0, Counter[str]()
    for change in workload.updates(20_000):
        record = read_body(change.value[FRAME:], SCHEMA, SCHEMA)
        operations[record["operation"]] += 1
        moved += record["residence"]["village"] != homes[change.household]
        homes[change.household] = record["residence"]["village"]
        touched.add(change.household)
        revisions.append(record["revision"])
        assert date(2024, 1, 1) <= record["valid_from"] < date(2026, 10, 2)
    assert touched == set(range(HOUSEHOLDS))
    assert moved > 300
    assert operations[Operation.END] > 300
    assert operations[Operation.RETRACT] > 200
    assert sum(later < earlier for earlier, later in pairwise(revisions)) > 20


def test_evenly_a_small_regency_has_as_many_changes_as_a_large_one() -> None:
    """Where partitions move, the wait for the rarest topic's next change would otherwise be what is measured."""
    villages = [*(f"31.74.01.{1000 + number}" for number in range(1, 10)), "31.01.01.1001"]
    workload = Workload(villages, HOUSEHOLDS, SCHEMA_ID)
    list(workload.first())
    plain = Counter(change.regency for change in workload.updates(UPDATES))
    even = Counter(change.regency for change in workload.updates(UPDATES, evenly=True))
    assert plain["31.74"] > 5 * plain["31.01"]
    assert 0.8 < even["31.74"] / even["31.01"] < 1.25


def test_a_rotation_names_every_household_by_both_keys() -> None:
    """The event's key is the new name, and what the household was called before stands beside it."""
    workload = Workload(VILLAGES, HOUSEHOLDS, SCHEMA_ID)
    older = {change.household: change.key for change in workload.first()}
    for change in workload.renamed():
        record = read_body(change.value[FRAME:], SCHEMA, SCHEMA)
        assert (record["key_version"], record["previous_household"]) == (2, older[change.household])
        assert record["household"] == change.key != older[change.household]

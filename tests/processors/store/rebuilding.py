"""
What tests of rebuilds share: stages over which much was said and merged, and words for what a rebuild found.

Why: what was merged must be merged as a worker does it, without the time that a worker takes to start.
Must not: start a worker.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from confluent_kafka import Producer

from deploy.embedded import EmbeddedServices
from processors.broker import Broker
from processors.columns.reading import BlockFrom, Readers, read
from processors.replay import Replay
from processors.settings import WorkerSettings
from processors.store.batch import Part, commit_batch
from processors.store.connection import connect_worker
from processors.store.offsets import take_over
from processors.store.rebuild import Rebuilt, rebuild
from processors.store.verify import verify
from schemas.codec import encode
from schemas.registry import Registry
from schemas.topics import household_topic, regency_of
from tests.integration.events import Dice, changed, household_key, life
from tests.integration.stage import Stage
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
    """Merge all that the topics hold (or what lies below `end`) and was not merged, as a worker does."""
    with closing(Replay(stage.kafka)) as replay:
        _merge(stage, replay, end)


def _merge(stage: Stage, replay: Replay, end: int | None = None) -> None:

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

    with closing(Registry(stage.registry)) as schemas:
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


def spoken(services: EmbeddedServices) -> Stage:
    """Return three regencies of which all was merged, half folded."""
    made = Stage.set(services, 3)
    with closing(Replay(made.kafka)) as replay:  # one for all slices: a second passes now and then until a new one has found its leaders
        speak(made, lambda stage: _merge(stage, replay))
    return made

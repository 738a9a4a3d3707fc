"""
The offsets that count: who reads a partition, where, and whether it waits for a person.

Why: Kafka's committed offsets are for monitoring only; a partition's next offset moves in the transaction of its batch.
Must not: ask the broker (processors/broker.py does), or move an offset outside a batch except by `accept`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from processors.broker import Log
from schemas.errors import Fatal, Halted

__all__ = [
    "Accepted",
    "Held",
    "LogRunsOut",
    "NotHalted",
    "OffsetGap",
    "RecordsUnreadable",
    "Stand",
    "TopicGone",
    "TopicMadeAnew",
    "accept",
    "end_blockers",
    "fault",
    "halt",
    "resumed",
    "stands",
    "take_over",
    "waits",
]

Partition = tuple[str, int]


class TopicMadeAnew(Halted):
    """topic {topic} was deleted and made anew: what it holds now has other offsets; accept it with muara offsets accept {topic}"""


class LogRunsOut(Halted):
    """
    the next offset {next_offset} of {topic}[{partition}] lies outside the log ({begin} to {end}): records were lost;
    muara offsets accept {topic} goes on without them
    """


class OffsetGap(Halted):
    """
    {topic}[{partition}] goes on at {found} instead of {next_offset}: records were lost, or the offsets between hold none (marks of
    transactions, compaction); muara offsets accept {topic} goes on there
    """


class TopicGone(Fatal):
    """topic {topic} does not exist or has no leader now, so none of it can be read on: make it again (muara sources load), or wait"""


class RecordsUnreadable(Halted):
    """
    {topic}[{partition}] cannot be read at offset {offset} ({why}): mend that, then muara offsets accept {topic} reads it again;
    with --at and a later offset it goes on without those records
    """


class NotHalted(Fatal):
    """no partition of {topic} is halted: muara offsets show lists those that are"""


@dataclass(frozen=True, slots=True)
class Held:
    """A partition as taken over: the number of its offset row, the epoch that fences others, where to read on, why it is halted."""

    id: int
    epoch: int
    next_offset: int
    topic_id: str
    halted: str | None


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a partition stands, what it waits for, and how many seconds ago its last batch was committed."""

    topic: str
    partition: int
    next_offset: int
    epoch: int
    halted: str | None
    waits_for: str | None = None
    moved_ago_s: float | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A partition that may move again: it stood at an offset of one topic, and reads on at one, perhaps of another topic."""

    topic: str
    partition: int
    stood_at: int
    next_offset: int
    made_anew: bool

    def __str__(self) -> str:
        """Return in words what that passes over."""
        said = f"{self.topic}[{self.partition}] reads on at {self.next_offset}"
        if self.made_anew:
            return f"{said} of the topic made anew"
        if self.next_offset > self.stood_at:
            return f"{said}: offsets {self.stood_at} to {self.next_offset - 1} are skipped"
        return f"{said}: nothing is skipped" if self.next_offset == self.stood_at else f"{said} instead of {self.stood_at}"


_LOCK = """
select id from ingest_offset join unnest(%s::text[], %s::integer[]) as mine (topic, partition) using (topic, partition)
order by id for update of ingest_offset
"""
"""Batches lock rows by their numbers; another order here and both wait for each other. New rows have no number, and nobody else's lock."""
_TAKE = """
insert into ingest_offset as held (topic, partition, topic_id, next_offset, epoch)
select topic, partition, topic_id, 0, 1 from unnest(%s::text[], %s::integer[], %s::text[]) as mine (topic, partition, topic_id)
order by topic, partition
on conflict (topic, partition) do update set epoch = held.epoch + 1, waits_for = null
returning id, topic, partition, topic_id, next_offset, epoch, halted
"""


async def take_over(connection: psycopg.AsyncConnection, logs: Mapping[Partition, Log]) -> dict[Partition, Held]:
    """
    Take partitions over: bump each epoch, so that whoever held them is fenced, and return where to read on.

    At READ COMMITTED (under REPEATABLE READ it would collide with batches in flight). A partition whose topic has another id than
    before, or whose next offset lies outside the log, is halted with the cause.
    """
    mine = sorted(logs)
    topics, partitions = [t for t, _ in mine], [p for _, p in mine]
    held = {}
    async with connection.transaction():
        await connection.execute(_LOCK, (topics, partitions))
        cursor = await connection.execute(_TAKE, (topics, partitions, [logs[one].topic_id for one in mine]))
        for number, topic, partition, topic_id, next_offset, epoch, halted in await cursor.fetchall():
            cause = halted or fault((topic, partition), topic_id, next_offset, logs[topic, partition])
            if cause and not halted:
                await halt(connection, number, epoch, cause)
            held[topic, partition] = Held(number, epoch, next_offset, topic_id, cause)
    return held


def fault(partition: Partition, topic_id: str, next_offset: int, log: Log) -> str | None:
    """Return why a partition cannot be read on, or None."""
    if topic_id != log.topic_id:
        return str(TopicMadeAnew(topic=partition[0]))
    if not log.begin <= next_offset <= log.end:
        return str(LogRunsOut(topic=partition[0], partition=partition[1], next_offset=next_offset, begin=log.begin, end=log.end))
    return None


async def halt(connection: psycopg.AsyncConnection, number: int, epoch: int, cause: str, found: int | None = None) -> None:
    """
    Halt one partition, unless another worker has taken it over meanwhile.

    Where the cause is a gap, its log goes on at `found`, and so does whoever accepts it.
    """
    await connection.execute(
        "update ingest_offset set halted = %s, halted_at = now(), goes_on_at = %s where id = %s and epoch = %s and halted is null",
        (cause, found, number, epoch),
    )


async def waits(connection: psycopg.AsyncConnection, number: int, epoch: int, cause: str) -> None:
    """Note what a partition waits for, unless another worker has taken it over meanwhile; its next batch forgets it."""
    await connection.execute("update ingest_offset set waits_for = %s where id = %s and epoch = %s", (cause, number, epoch))


async def end_blockers(connection: psycopg.AsyncConnection, waiting: int) -> int:
    """
    End the workers' transactions that the backend `waiting` waits for, and return how many.

    A worker that was stopped while it sent or received (in COPY, or in a great answer) is not idle in PostgreSQL's eyes, so no timeout
    ever frees what it has locked.
    """
    cursor = await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid = any(pg_blocking_pids(%s)) and application_name = 'muara worker'",
        (waiting,),
    )
    return len(await cursor.fetchall())


async def resumed(connection: psycopg.AsyncConnection, numbers: Collection[int]) -> set[int]:
    """Return which of the halted partitions were accepted meanwhile."""
    cursor = await connection.execute("select id from ingest_offset where id = any(%s) and halted is null", (list(numbers),))
    return {number for (number,) in await cursor.fetchall()}


def stands(connection: psycopg.Connection) -> list[Stand]:
    """Return where every partition stands, by topic and partition."""
    rows = connection.execute(
        "select topic, partition, next_offset, epoch, halted, waits_for, extract(epoch from now() - moved_at)::float8"
        " from ingest_offset order by topic, partition"
    ).fetchall()
    return [Stand(*row) for row in rows]


def accept(connection: psycopg.Connection, topic: str, logs: Mapping[Partition, Log], at: int | None = None) -> Sequence[Accepted]:
    """
    Let the halted partitions of a topic move again, and return where they read on.

    That is `at`; without it the beginning of a topic made anew, or the first offset after a gap, else their next offset; and always an
    offset within the log. The epoch grows, so that whoever still holds the partition starts over. Raises `NotHalted`, `TopicGone`.
    """
    accepted = []
    with connection.transaction():
        rows = connection.execute(
            "select id, partition, topic_id, next_offset, goes_on_at from ingest_offset"
            " where topic = %s and halted is not null order by id for update",
            (topic,),
        ).fetchall()
        if not rows:
            raise NotHalted(topic=topic)
        for number, partition, topic_id, next_offset, goes_on_at in rows:
            log = logs.get((topic, partition))
            if log is None:
                raise TopicGone(topic=topic)
            made_anew = topic_id != log.topic_id
            wanted = at if at is not None else log.begin if made_anew else max(next_offset, goes_on_at or 0)
            read_on = min(max(wanted, log.begin), log.end)
            connection.execute(
                "update ingest_offset set topic_id = %s, next_offset = %s, epoch = epoch + 1,"
                " halted = null, halted_at = null, goes_on_at = null where id = %s",
                (log.topic_id, read_on, number),
            )
            accepted.append(Accepted(topic, partition, next_offset, read_on, made_anew))
    return accepted

"""
How old a change is when it lies in Kafka: from its commit at the source to the broker's own time of its record.

Why: what a region changes must be seen at once, also while a million families are loaded for the first time.
Must not: take a record of the first reading for a change: those of the log alone have a number within their commit.
"""

import time
from collections.abc import Callable, Mapping
from statistics import quantiles

from confluent_kafka import Consumer, TopicPartition

from producers.pseudonym import Pseudonyms
from schemas.codec import FRAME, parsed, read_body
from tests.bench.database_adapter import KampungAdapter
from tests.bench.stage import NotWithin, until
from tests.producers.samples import KEY

__all__ = ["beside_first_reading", "change_to_kafka"]

_PER_S, _SECONDS, _BESIDE_PER_S = 200, 10.0, 50
_READ_S, _STILL_S, _LEAST, _TELL_S = 300, 5.0, 100, 15.0
_LEAST_SHARE = 0.95
_WITHIN = (1 << 12) - 1
_CHANGE = "update smart_kampung.keluarga set pengeluaran = pengeluaran + 1 where no_kk = %s"


def change_to_kafka(adapter: KampungAdapter) -> float:
    """Return the p99 in seconds of changes at a steady rate, each in a transaction of its own; the adapter runs and has caught up."""
    before, limit = adapter.sent(), time.monotonic() + _SECONDS
    committed = _changed(adapter, _PER_S, lambda: time.monotonic() < limit)
    return _p99(adapter, before, committed)


def beside_first_reading(adapter: KampungAdapter, families: int) -> tuple[float, float]:
    """
    Return the same of changes that are made while families are read for the first time, and how many of these are read a second.

    The adapter has just been started. Its pace is counted from the first records seen to nine tenths of the families, the changes aside.
    """
    until(lambda: adapter.sent() > 0, 120, "the first record")
    first, began, goal = adapter.sent(), time.perf_counter(), families * 9 // 10
    reached = [began, began]

    def going() -> bool:
        sent, now = adapter.sent(), time.perf_counter()
        if now - reached[1] > _TELL_S:
            reached[1] = now
            adapter.tell(f"postgres backfill: {sent:,} of {families:,} families, {now - began:.0f} s")
        reached[0] = now
        return sent < goal

    committed = _changed(adapter, _BESIDE_PER_S, going)
    if adapter.sent() < goal:
        raise NotWithin(f"{adapter.sent()} of {families} families when every one had been changed: read too slowly to tell")
    return _p99(adapter, 0, committed), (goal - first - len(committed)) / (reached[0] - began)


def _changed(adapter: KampungAdapter, per_s: int, going: Callable[[], bool]) -> Mapping[bytes, float]:
    """
    Change one family after the other while it goes on; return when each was committed, in seconds since 1970, by its pseudonym.

    Raises `NotWithin` where the source could not change so many a second: it would be the age of a lighter load.
    """
    owner, pseudonyms = adapter.made.owner, Pseudonyms(KEY, 1)
    cards = [row[0] for row in owner.execute("select no_kk from smart_kampung.keluarga order by md5(no_kk)").fetchall()]
    committed: dict[bytes, float] = {}
    began = time.monotonic()
    for number, card in enumerate(cards):
        if number % 10 == 0 and not going():
            break
        time.sleep(max(0.0, began + number / per_s - time.monotonic()))
        owner.execute(_CHANGE, (card,))
        committed[pseudonyms.family_card(card)] = time.time()
    took = time.monotonic() - began
    if len(committed) < _LEAST_SHARE * per_s * took:
        raise NotWithin(f"{len(committed)} changes in {took:.1f} s: the load was lighter than {per_s} changes/s")
    return committed


def _p99(adapter: KampungAdapter, begin: int, committed: Mapping[bytes, float]) -> float:
    """Return the p99 of the ages of changes, all of which must arrive from an offset on, before nothing comes for a while."""
    sent = -1
    while sent < (sent := adapter.sent()):
        time.sleep(_STILL_S)
    ages = _ages(adapter, begin, sent, committed)
    if len(ages) != len(committed) or len(ages) < _LEAST:
        raise NotWithin(f"{len(ages)} of {len(committed)} changes have arrived, and {_LEAST} are wanted")
    return quantiles(ages, n=100, method="inclusive")[98]


def _ages(adapter: KampungAdapter, begin: int, end: int, committed: Mapping[bytes, float]) -> list[float]:
    """Return how old each change was when it arrived at the broker, in seconds, from the records between two offsets."""
    told = {"bootstrap.servers": adapter.where.kafka, "group.id": "bench-changes", "enable.auto.commit": False, "log_level": 0}
    consumer, left, found = Consumer(told), end - begin, list[float]()
    limit = time.monotonic() + _READ_S
    try:
        consumer.assign([TopicPartition(adapter.topics[0], 0, begin)])
        while left > 0 and time.monotonic() < limit:
            for message in consumer.consume(10_000, 1.0):
                left -= 1
                since = committed.get(message.key() or b"")
                if since is not None and _of_the_log(message.value() or b""):
                    found.append(message.timestamp()[1] / 1000 - since)
    finally:
        consumer.close()
    return found


def _of_the_log(value: bytes) -> bool:
    """Return whether an event comes from the log, and not from the first reading."""
    schema = parsed("HouseholdChanged")
    return bool(read_body(value[FRAME:], schema, schema)["revision"] & _WITHIN)

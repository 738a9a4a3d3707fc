"""
Kafka's record batches made by aiokafka's own builder, and by hand where a builder would refuse.

Why: blocks are parsed from the bytes of a fetch, so tests give them such bytes.
Must not: use our own parser.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from processors.blocks import Block, parse_blocks

__all__ = ["ARRIVED_MS", "Sent", "block_of", "record_batch"]

ARRIVED_MS = 1_704_067_200_000
"""The first moment of 2024 in UTC."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as a producer sends it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = field(default=())


def record_batch(records: Sequence[Sent], first: int = 0, compression: int = 0, arrived_ms: int = ARRIVED_MS) -> bytes:
    """Return a record batch as it lies in a fetch: offsets from `first` on, compressed as Kafka's attribute bits say."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 24)
    for offset, one in enumerate(records):
        assert builder.append(offset, arrived_ms, one.key, one.value, list(one.headers)) is not None
    made = bytearray(builder.build())
    made[:8] = first.to_bytes(8, "big")  # the broker sets it, outside the checksum
    return bytes(made)


def block_of(records: Sequence[Sent], first: int = 0, arrived_ms: int = ARRIVED_MS) -> Block:
    """Return the block that such a batch is."""
    ((block, _),) = parse_blocks(record_batch(records, first, arrived_ms=arrived_ms), None)
    assert block is not None
    return block

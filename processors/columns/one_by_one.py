"""
Records judged one at a time: whatever columns cannot prove to be fine, by fastavro and by the definition of admission.

Why: columns know only what is usual; everything else is decided here, as if there were no columns at all.
Must not: fetch a schema, know a clock, or let what one record holds end the work on all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from processors.admission import Record, admit, cause_of, field_of, link_of
from processors.blocks import Block, Joined, headers_at
from processors.columns.names import NO_LINKS, Links
from processors.columns.statements import Packed, pack
from processors.columns.writers import Readers
from processors.law import Link
from processors.reference import Limits, Reference
from schemas.codec import NotTheContract, decode, split_frame
from schemas.errors import MuaraError, Rejected

__all__ = ["BlockFrom", "Dead", "links_of", "one_by_one", "schemas_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BlockFrom:
    """A block of records and where it lay: topic, partition, and the regency whose topic it is."""

    block: Block
    topic: str
    partition: int
    regency: str


@dataclass(frozen=True, slots=True)
class Dead:
    """A rejected record: coordinates, cause and digest, never its value; `unforeseen` is the type of an error that nobody foresaw."""

    topic: str
    partition: int
    offset: int
    arrived: datetime
    cause: str
    field: str
    message: str
    digest: bytes
    unforeseen: str = ""


def one_by_one(
    rows: NDArray[np.int64],
    records: Joined,
    blocks: Sequence[BlockFrom],
    reference: Reference,
    limits: Limits,
    readers: Readers,
    household: NDArray[np.uint64],
    statements: Packed,
    fine: NDArray[np.bool_],
) -> tuple[list[Dead], Links]:
    """Judge records by the definition; fill in those that are admitted, and return the others, and the links that the admitted make."""
    dead: list[Dead] = []
    links: list[Link] = []
    first = np.searchsorted(records.block, np.arange(len(blocks)))
    for row in rows.tolist():
        origin = blocks[int(records.block[row])]
        value = _slice(records.raw, int(records.value[row]), int(records.value_length[row]))
        unforeseen = ""
        try:
            record, said = _decoded(row, records, origin, value, readers)
            packed = pack([admit(record, reference, limits)], reference)[0]
        except Rejected as error:
            refused = error
        except MuaraError:
            raise  # such as a registry that is away
        except Exception as error:  # noqa: BLE001
            # Why all of them: a record that ends the process ends the next one too, and so stops every region.
            unforeseen = type(error).__name__
            refused = NotTheContract(why=f"{unforeseen} while judging it")
        else:
            statements[row], fine[row] = packed, True
            household[row] = np.frombuffer(said["household"], ">u8").astype(np.uint64)
            links += [link for link in [link_of(record)] if link]
            continue
        offset = origin.block.first + row - int(first[int(records.block[row])])
        dead.append(_dead(origin, offset, value, refused, unforeseen))
    return dead, links_of(links)


def links_of(links: Sequence[Link]) -> Links:
    """Return links as columns."""
    if not links:
        return NO_LINKS
    names = np.frombuffer(b"".join([one.previous + one.household for one in links]), ">u8").astype(np.uint64).reshape(-1, 4)
    return Links(names[:, :2], names[:, 2:], np.array([one.key_version for one in links], np.int64))


def schemas_of(block: Block) -> list[int | UUID | None]:
    """Return which writer's schema each record of a block names; None where it names none, for whatever reason."""
    named: list[int | UUID | None] = []
    for at, length in zip(block.value.tolist(), block.value_length.tolist(), strict=True):
        try:
            named.append(split_frame(_slice(block.raw, at, length) or b"", headers_at(block.raw, at + max(length, 0)))[0])
        except (Rejected, IndexError):
            named.append(None)
    return named


def _dead(origin: BlockFrom, offset: int, value: bytes | None, refused: Rejected, unforeseen: str) -> Dead:
    return Dead(
        origin.topic,
        origin.partition,
        offset,
        _EPOCH + timedelta(milliseconds=origin.block.timestamp_ms),
        cause_of(refused),
        field_of(refused),
        str(refused),
        sha256(value or b"").digest(),
        unforeseen,
    )


def _decoded(row: int, records: Joined, origin: BlockFrom, value: bytes | None, readers: Readers) -> tuple[Record, Mapping[str, Any]]:
    headers = headers_at(records.raw, int(records.value[row]) + max(int(records.value_length[row]), 0))
    said = decode("HouseholdChanged", value or b"", headers, readers.schemas)
    key = _slice(records.raw, int(records.key[row]), int(records.key_length[row]))
    arrived = _EPOCH + timedelta(milliseconds=origin.block.timestamp_ms)
    return Record(said, key, origin.regency, arrived), said


def _slice(raw: bytes, at: int, length: int) -> bytes | None:
    return None if length < 0 else raw[at : at + length]

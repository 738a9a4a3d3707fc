"""Compressed batches: what Kafka's clients write is read, and what unpacks beyond reason is refused before it fills the memory."""

import subprocess
import sys
from pathlib import Path

import cramjam
import pytest
from aiokafka import codec
from hypothesis import given
from hypothesis import strategies as st

from processors import compression
from processors.blocks import BrokenBatch, parse_blocks
from processors.compression import GREATEST_BYTES, unpacked
from tests.processors.record_batches import Sent, record_batch

ROOT = Path(__file__).parents[2]
KINDS = {1: codec.gzip_encode, 2: codec.snappy_encode, 3: codec.lz4_encode, 4: codec.zstd_encode}
_TRY = """
import sys
from processors.compression import TooLarge, unpacked
from tests.memory import peak_mb
huge, before = sys.stdin.buffer.read(), peak_mb()
try:
    unpacked(int(sys.argv[1]), huge)
except TooLarge:
    print(peak_mb() - before)
"""
"""In a process of its own, whose peak nobody has raised before: what the refusal costs, in MB."""
NAMES = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=300), st.integers(1, 2_000))
def test_what_clients_compress_is_read(kind: int, part: bytes, times: int) -> None:
    """Bytes of any sort and size, also such that the first buffer is far too small for them."""
    assert unpacked(kind, KINDS[kind](part * times)) == part * times


@given(st.binary(max_size=300), st.integers(1, 2_000))
def test_snappy_is_read_with_and_without_a_frame(part: bytes, times: int) -> None:
    """librdkafka writes one plain block, Java's clients a frame of blocks."""
    assert unpacked(2, bytes(codec.snappy_encode(part * times, xerial_compatible=False))) == part * times


@pytest.mark.parametrize("kind", sorted(KINDS), ids=NAMES.get)
def test_more_than_reason_is_refused_and_not_unpacked(kind: int) -> None:
    """A hundred and twenty-eight megabytes of zeros in some kilobytes: the refusal costs no more memory than the largest batch."""
    command = [sys.executable, "-c", _TRY, str(kind)]
    tried = subprocess.run(command, input=_zeros(kind, 1 << 27), cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own command

    assert float(tried.stdout) < 2 * GREATEST_BYTES >> 20
    assert unpacked(kind, KINDS[kind](bytes(GREATEST_BYTES))) == bytes(GREATEST_BYTES)


@pytest.mark.parametrize("kind", sorted(KINDS), ids=NAMES.get)
def test_damage_is_an_error_and_not_other_bytes(kind: int) -> None:
    """A batch that was cut short is not taken for a shorter one."""
    whole = KINDS[kind](bytes(range(256)) * 400)
    with pytest.raises((cramjam.DecompressionError, ValueError)):
        unpacked(kind, whole[: len(whole) // 2])
    with pytest.raises(KeyError):
        unpacked(7, whole)


@pytest.mark.parametrize("kind", sorted(KINDS), ids=NAMES.get)
def test_such_a_batch_is_told_with_its_offset(kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its partition is halted there: offset and cause are what the operator reads."""
    batch = record_batch([Sent(b"k", bytes(5_000))], 77, kind)
    monkeypatch.setattr(compression, "GREATEST_BYTES", 4_000)

    with pytest.raises(BrokenBatch, match=r"offset 77 cannot be read \(it unpacks to more than 32 MB\)"):
        list(parse_blocks(batch, None))


def _zeros(kind: int, size: int) -> bytes:
    """Return so many zeros compressed, made piece by piece."""
    if kind == 2:
        block = bytes(cramjam.snappy.compress_raw(bytes(1 << 26)))
        framed: bytes = codec.snappy_encode(b"")
        return framed + b"".join(len(block).to_bytes(4, "big") + block for _ in range(size >> 26))
    compressor = getattr(cramjam, NAMES[kind]).Compressor()
    piece = bytes(1 << 24)
    for _ in range(size >> 24):
        compressor.compress(piece)
    return bytes(compressor.finish())

"""Rows gathered on the disk are the rows that were added, in their order, whatever their number."""

import random
from pathlib import Path

import pytest

from producers.faults import DiskRefuses
from producers.sources import gathered
from producers.sources.gathered import Gathered, Sorted


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 95, 1000])
def test_rows_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """In memory, on the disk, and in runs that are merged over several levels; twice, also while others are read."""
    monkeypatch.setattr(gathered, "_IN_MEMORY", 10)
    monkeypatch.setattr(gathered, "_TOGETHER", 3)
    monkeypatch.setattr(gathered, "_MOST_RUNS", 3)
    rows = [(number.to_bytes(2, "big"), number, "text", None) for number in range(count)]
    mixed = random.Random(count).sample(rows, count)  # noqa: S311 - the same each time
    in_order, sorted_ones = Gathered(tmp_path), Sorted(tmp_path)
    in_order.extend(mixed)
    for row in mixed:
        sorted_ones.add(row, 20)

    assert len(in_order) == count
    assert list(zip(in_order, in_order, strict=True)) == list(zip(mixed, mixed, strict=True))
    assert list(zip(sorted_ones, sorted_ones, strict=True)) == list(zip(rows, rows, strict=True))
    assert list(tmp_path.iterdir()) == [], "no file has a name"


def test_many_bytes_are_written_before_they_are_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in memory is bounded by its size as well."""
    monkeypatch.setattr(gathered, "_IN_MEMORY_BYTES", 100)
    rows = Sorted(tmp_path)
    for number in range(9):
        rows.add((bytes([9 - number]), number), 60)

    assert [len(level) for level in rows._levels] == [4]
    assert [one[1] for one in rows] == list(range(8, -1, -1))


def test_a_disk_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place beside the adapter's file, reading waits for the disk."""
    monkeypatch.setattr(gathered, "_IN_MEMORY", 1)
    with pytest.raises(DiskRefuses):
        Gathered(tmp_path / "nowhere").add((b"", 1))

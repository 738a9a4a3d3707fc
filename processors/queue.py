"""
What is read ahead: blocks by partition, in order, and the choice of what goes into the next batch.

Why: one transaction over the queued blocks of many partitions costs a fraction of one per partition.
Must not: wait, decode, or know offsets that count (processors/batcher.py does).
"""

from processors.blocks import Block

__all__ = ["ReadAhead", "Taken"]

Partition = tuple[str, int]
Taken = list[tuple[Partition, list[Block]]]
_MUCH = 8
"""An eighth of a batch is worth one of its own while another is in flight: its records cost more than what every batch costs."""


class ReadAhead:
    """Blocks that were fetched and not merged yet; a partition whose blocks are in flight is `busy` and stands back."""

    def __init__(self, batch_records: int) -> None:
        """Hold nothing; a batch takes about `batch_records` records."""
        self._limit = batch_records
        self._blocks: dict[Partition, list[Block]] = {}
        self._busy: set[Partition] = set()
        self.records = 0

    def put(self, partition: Partition, blocks: list[Block]) -> None:
        """Add what was fetched of a partition."""
        self.records += sum(len(block.value) for block in blocks)
        self._blocks.setdefault(partition, []).extend(blocks)

    def full(self) -> bool:
        """Return whether three batches are waiting: more would only cost memory."""
        return self.records >= 3 * self._limit

    def ready(self, *, late: bool = False) -> bool:
        """
        Return whether a batch should be taken now: beside another one in flight only where much waits, or where that one is `late`.

        Of a trickle two lanes would make twice as many batches, each of which costs the same whatever is in it.
        """
        if self._busy and not late and self.records < self._limit // _MUCH:
            return False
        return any(partition not in self._busy for partition in self._blocks)

    def waiting(self, partition: Partition) -> bool:
        """Return whether a partition has blocks waiting or in flight."""
        return partition in self._blocks or partition in self._busy

    def take(self) -> Taken:
        """Take blocks of as many partitions as make a batch, oldest partition first; they are busy until `done`."""
        taken: Taken = []
        records = 0
        for partition in [one for one in self._blocks if one not in self._busy]:
            queued = self._blocks.pop(partition)
            count = 0
            while count < len(queued) and (records < self._limit or not count):
                records += len(queued[count].value)
                count += 1
            taken.append((partition, queued[:count]))
            if queued[count:]:
                self._blocks[partition] = queued[count:]
            if records >= self._limit:
                break
        self.records -= records
        self._busy.update(partition for partition, _ in taken)
        return taken

    def done(self, taken: Taken) -> None:
        """Let partitions be taken again."""
        self._busy.difference_update(partition for partition, _ in taken)

    def drop(self, partition: Partition) -> None:
        """Forget what was fetched of a partition: it is read again from where it counts."""
        self.records -= sum(len(block.value) for block in self._blocks.pop(partition, []))

    def drop_all(self) -> None:
        """Forget everything that was fetched."""
        for partition in list(self._blocks):
            self.drop(partition)

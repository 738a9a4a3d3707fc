"""
The receipts of all adapters of the demo: proved at the region, and by the office, as two commands would.

Why: that the figures are right shows that nothing is lost in sum; a receipt shows it record by record, to those who sent them.
Must not: prove anything itself (schemas/proofs.py and processors/store/receipts.py do).
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded import Addresses
from processors.settings import WorkerSettings
from processors.store.receipts import check_receipt
from producers.ledger import receipt_of
from producers.rereading import Rereader, prove, with_topic_ids
from schemas.registry import Registry

__all__ = ["Proved", "proved"]


@dataclass(frozen=True, slots=True)
class Proved:
    """What became of one adapter's receipt."""

    source: str
    topics: int
    sent: int
    """Events of its chains."""
    there: int
    """Of them, those that the region finds in its topics, to the byte."""
    merged: int
    rejected: int
    head: str
    """The beginning of the chain's head, of the first of its topics."""
    why_not: str
    """What is not as it should be, in words; empty where all of it is there, and merged or rejected."""

    def __str__(self) -> str:
        """Return it as one line."""
        if self.why_not:
            return f"{self.source}: NOT PROVED: {self.why_not}"
        into = f"{self.topics} topic{'s' if self.topics > 1 else ''}"
        became = f"{self.merged:,} merged, {self.rejected:,} rejected"
        return f"{self.source}: {self.sent:,} events sent to {into}, all there, {became}; head {self.head}"


def proved(where: Addresses, adapters: Mapping[str, Path], say: Callable[[str], None] = lambda _: None) -> list[Proved]:
    """Return what became of the receipt of each adapter, by the source's name and its own file; `say` is told whose turn it is."""
    found = []
    with closing(Registry(where.registry)) as registry, Rereader(where.kafka) as reader:
        for source, file in adapters.items():
            say(source)
            found.append(_proved(source, file, where, registry, reader))
    return found


def _proved(source: str, file: Path, where: Addresses, registry: Registry, reader: Rereader) -> Proved:
    receipt = receipt_of(file)
    if receipt is None or not receipt.chains:
        return Proved(source, 0, 0, 0, 0, 0, "", "it has sent nothing")
    receipt = with_topic_ids(receipt, reader.topic_ids(sorted({one.topic for one in receipt.chains})))
    region = prove(reader, receipt)
    office = check_receipt(receipt, WorkerSettings(where.kafka, where.registry, where.database), registry)
    wrong = [f"{topic}: {one.differences[0]}" for (topic, _), one in region.items() if not one.holds and one.differences]
    wrong += [
        f"{topic}: {one.why_not or f'{one.behind} behind, {one.unmerged} passed over'}"
        for (topic, _), one in office.items()
        if not one.holds
    ]
    wrong += [f"{topic}: not all is there" for (topic, _), one in region.items() if not one.holds and not one.differences]
    return Proved(
        source=source,
        topics=len(region),
        sent=sum(one.events for one in receipt.chains),
        there=sum(one.events for one in region.values()),
        merged=sum(one.merged for one in office.values()),
        rejected=sum(one.rejected.total() for one in office.values()),
        head=receipt.chains[0].head.hex()[:16],
        why_not="; ".join(wrong),
    )

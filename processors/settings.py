"""
What a worker is told: addresses, and how it works, frozen.

Why: only deploy reads the environment; everything below gets values.
Must not: read the environment itself, let a password into a repr, or hold anything that enters a figure (that is reference data).
"""

from dataclasses import dataclass, field

__all__ = ["GROUP", "WorkerSettings"]

GROUP = "muara-worker"
"""The consumer group in which all workers share the partitions out."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Addresses of the services, and how a worker works; the defaults are the measured ones."""

    kafka: str
    registry: str
    database: str = field(repr=False)
    group: str = GROUP
    batch_records: int = 15_000
    """Records in one transaction at most (and one block more). Fewer than 5,000 waste round trips, more than 25,000 gain nothing."""
    connections: int = 2
    """Batches in flight: while PostgreSQL works for one, the next is decoded."""
    stalled_s: float = 30.0
    """A worker with a partition that has a backlog and stands still for so long, while broker and database answer, ends itself."""

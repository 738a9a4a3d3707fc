"""
An overview: how much is held, what waits, what was rejected; for `muara status` and the live view.

Why: an operator asks these questions first.
Must not: be slow: it counts what is small and estimates what is large.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from processors.store.fold import FOLD_LOCK

__all__ = ["Overview", "overview", "registered_regencies"]


@dataclass(frozen=True, slots=True)
class Overview:
    """How the database stands; counts in rows, times in UTC."""

    reference_version: int | None
    regions: int
    registered_sources: int
    poverty_lines: int
    households: int
    """PostgreSQL's own estimate where there are many."""
    batches_to_fold: int
    oldest_to_fold: datetime | None
    figures_to_send: int
    rejected: int
    rejected_repaired: int
    rejected_to_send: int
    halted_partitions: int
    publisher_active: bool
    """Whether a process folds and sends."""
    reference_locked: bool
    """Whether reference data is being loaded or rebuilt, so that all batches wait."""

    def as_dict(self) -> dict[str, Any]:
        """Return the overview by name."""
        return asdict(self)


def overview(connection: Connection[Any]) -> Overview:
    """Return how the database stands now."""
    row = connection.execute(
        """
        with mine as (
            select * from pg_locks where granted and database = (select oid from pg_database where datname = current_database())
        )
        select
            (select version from reference_version),
            (select count(*) from region),
            (select count(*) from source),
            (select count(*) from poverty_line),
            (select case
                when reltuples < 100000 then (select count(*) from household where same_as is null)
                else (reltuples * coalesce(
                    (select null_frac from pg_stats where (schemaname, tablename, attname) = ('public', 'household', 'same_as')), 1
                ))::bigint end
             from pg_class where oid = 'household'::regclass),
            (select count(*) from cell_change),
            (select min(arrived_at) from cell_change),
            (select count(*) from outbox),
            (select count(*) from rejected),
            (select count(*) from (select distinct topic, topic_id, partition, record_offset from repair where sent_at is not null) as one
             join rejected using (topic, topic_id, partition, record_offset)),
            (select count(*) from rejected where not sent),
            (select count(*) from ingest_offset where halted is not null),
            (select exists (select from mine where locktype = 'advisory' and classid::bigint << 32 | objid::bigint = %s)),
            (select exists (select from mine where relation = 'reference_version'::regclass
             and mode in ('ExclusiveLock', 'AccessExclusiveLock')))
    """,
        (FOLD_LOCK,),
    ).fetchone()
    assert row is not None  # noqa: S101 - a select without from has one row
    return Overview(*row)


def registered_regencies(connection: Connection[Any]) -> list[str]:
    """Return the codes of all regencies for which a source may speak, in order."""
    return [
        code for (code,) in connection.execute("select distinct code from source join region on region.id = source.region order by code")
    ]

"""
Opening a source: the one place that knows which module reads which kind.

Why: a new kind of source is a module, a declaration, and two lines here.
Must not: ask a source anything yet, or import what another kind of source needs: a client of HTTP, a driver, a server.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from producers.checkpoint import StateFile
from producers.declaration import Declaration, PostgresSource, RestSource, WebhookSource
from producers.mapping import Mapper
from producers.sources import Source

__all__ = ["open_source"]


def open_source(
    declared: Declaration, mapper: Mapper, state: StateFile, environ: Mapping[str, str], clock: Callable[[], datetime]
) -> Source:
    """Return the source that a region file declares; `state` is the adapter's own file, where a source may remember what it needs."""
    if isinstance(declared.source, RestSource):
        from producers.sources.rest import RestReader  # noqa: PLC0415

        return RestReader(declared.source, mapper, environ, clock, connection=state.connection)
    if isinstance(declared.source, WebhookSource):
        from producers.sources.webhook.reader import WebhookReader  # noqa: PLC0415

        return WebhookReader(declared.source, mapper, state, environ, clock)
    if isinstance(declared.source, PostgresSource):
        from producers.sources.postgres.kinds import open_postgres  # noqa: PLC0415

        return open_postgres(declared.source, mapper, state.connection, environ, clock)
    from producers.sources.files import FilesReader  # noqa: PLC0415
    from producers.sources.showings import make_tables  # noqa: PLC0415

    make_tables(state.connection)
    return FilesReader(declared.source, mapper, state.connection, clock)

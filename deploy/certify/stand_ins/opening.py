"""
Choosing a stand-in: the one place that knows which speaks for which kind of source.

Why: a new kind of source is a stand-in and a line here.
Must not: start anything.
"""

from pathlib import Path

from deploy.certify.stand_ins import StandIn
from deploy.certify.stand_ins.database import DatabaseStandIn
from deploy.certify.stand_ins.feed import FeedStandIn
from deploy.certify.stand_ins.folder import FolderStandIn
from deploy.certify.stand_ins.pusher import PusherStandIn
from producers.declaration import Declaration, PostgresSource, RestSource, WebhookSource

__all__ = ["stand_in_for"]


def stand_in_for(declared: Declaration, folder: Path, server: str) -> StandIn:
    """Return a stand-in for the source that a region file declares; `folder` is its own, and a database may be made on `server`."""
    if isinstance(declared.source, RestSource):
        return FeedStandIn(declared)
    if isinstance(declared.source, WebhookSource):
        return PusherStandIn(declared)
    if isinstance(declared.source, PostgresSource):
        return DatabaseStandIn(declared, server)
    return FolderStandIn(declared, folder / "inbox")

"""
Choosing a stand-in: the one place that knows which speaks for which kind of source.

Why: a new kind of source is a stand-in and a line here.
Must not: start anything.
"""

from collections.abc import Mapping
from pathlib import Path

from deploy.certify.stand_ins import StandIn
from deploy.certify.stand_ins.database import DatabaseStandIn
from deploy.certify.stand_ins.feed import FeedStandIn
from deploy.certify.stand_ins.folder import FolderStandIn
from deploy.certify.stand_ins.pusher import PusherStandIn
from producers.declaration import Declaration

__all__ = ["kind_of_stand_in", "stand_in_for"]

_KINDS: Mapping[str, type[StandIn]] = {
    "rest": FeedStandIn,
    "postgres": DatabaseStandIn,
    "files": FolderStandIn,
    "webhook": PusherStandIn,
}


def kind_of_stand_in(declared: Declaration) -> type[StandIn]:
    """Return what stands in for the source that a region file declares."""
    return _KINDS[declared.source.kind]


def stand_in_for(declared: Declaration, folder: Path, server: str) -> StandIn:
    """Return a stand-in for the source that a region file declares; `folder` is its own, and a database may be made on `server`."""
    return kind_of_stand_in(declared).opened(declared, folder, server)

"""
Where and how a change feed over HTTP is read.

Why: what differs from one API to the next is declared here.
Must not: hold a secret: it names the variables that do.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from producers.declaration.model import Model, Path

__all__ = ["Cursor", "Key", "Page", "RestSource", "Snapshot", "Token"]


_URL = re.compile(r"https?://[^/\s]+(/\S*)?", re.IGNORECASE)


def _is_url(value: str) -> str:
    """Refuse what is no address over HTTP; a placeholder that is not filled in yet passes."""
    if "${" not in value and not _URL.fullmatch(value):
        raise ValueError("give an address such as https://carik.example/api")
    return value


class Token(Model):
    """OAuth2 client credentials: where tokens are made, and which environment variables hold id and secret."""

    path: str
    client_id_env: str
    client_secret_env: str


class Cursor(Model):
    """The place in the change feed: the parameter that takes it, and where an answer tells the next; a change time, inclusive."""

    parameter: str
    path: Path
    overlap_s: float = Field(30.0, ge=0, le=86_400)
    """How much later than its change time a change may appear in the feed: a clock that was set back, a late commit. Read once more."""


class Page(Model):
    """The parameter that takes the greatest number of records of an answer, and what we ask for."""

    parameter: str
    size: int = Field(500, ge=1, le=10_000)


class Key(Model):
    """The place in a snapshot: the parameter that takes it, and where an answer tells it."""

    parameter: str
    path: Path


class Snapshot(Model):
    """
    Everything that the source has, page by page in the order of a key, read where nothing was read yet.

    The feed is read beside it, from where it stood when the snapshot began; what both tell is the same, so nothing is doubled.
    """

    path: str
    key: Key
    """The parameter that takes the key behind which to go on, and where an answer tells its last one; it must name nobody."""
    since: Path
    """Where an answer tells the feed's cursor as it is now; the first page's counts."""
    records: str | None = None
    """The path to the records in an answer, as deep as the feed's, where it is another."""
    more: Path | None = None
    """The path of the flag that says whether more is there, where it is another than the feed's."""
    total: Path | None = None
    """Where an answer tells how many records there are in all: only for the time that is left, so it may change, or be wrong."""


class RestSource(Model):
    """A change feed over HTTP with a cursor by change time."""

    kind: Literal["rest"]
    url: Annotated[str, AfterValidator(_is_url)]
    changes: str
    records: str
    """The path to the records in an answer, with [] where a list is gone through."""
    cursor: Cursor
    more: Path
    """The path of the flag that says whether more is there already."""
    page: Page
    poll_s: float = Field(2.0, gt=0, le=86_400)
    timeout_s: float = Field(30.0, gt=0, le=600)
    token: Token | None = None
    snapshot: Snapshot | None = None
    """Where the feed does not reach back to the beginning, or is slow to: where everything can be read, beside it."""

    @model_validator(mode="after")
    def _records_alike(self) -> "RestSource":
        other = self.snapshot.records if self.snapshot is not None else None
        if other is not None and other.count(".") != self.records.count("."):
            raise ValueError("snapshot.records must lead through as many parts as records, or ^ would mean two things")
        return self

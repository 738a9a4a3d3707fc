"""
Where and how a change feed over HTTP is read.

Why: what differs from one API to the next is declared here.
Must not: hold a secret: it names the variables that do.
"""

from typing import Literal

from pydantic import Field

from producers.declaration.model import Model, Path

__all__ = ["Cursor", "Page", "RestSource", "Token"]


class Token(Model):
    """OAuth2 client credentials: where tokens are made, and which environment variables hold id and secret."""

    path: str
    client_id_env: str
    client_secret_env: str


class Cursor(Model):
    """The place in the change feed: the parameter that takes it, and where an answer tells the next; a change time, inclusive."""

    parameter: str
    path: Path


class Page(Model):
    """The parameter that takes the greatest number of records of an answer, and what we ask for."""

    parameter: str
    size: int = Field(500, ge=1, le=10_000)


class RestSource(Model):
    """A change feed over HTTP with a cursor by change time."""

    kind: Literal["rest"]
    url: str
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

"""
Where and how a change feed over HTTP is read.

Why: what differs from one API to the next is declared here.
Must not: hold a secret: it names the variables that do.
"""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from producers.declaration.model import PATTERNS, Misplaced, Mistake, Model, Path

__all__ = ["Client", "Cursor", "FixedKey", "Key", "Page", "RestSource", "Snapshot", "Token"]

_HEADER = r"^[A-Za-z0-9-]{1,64}$"
PATTERNS[_HEADER] = "is no name of a header: letters, digits and -, such as X-Api-Key"
_WAYS = ({"path", "client_id_env", "client_secret_env"}, {"bearer_env"}, {"header", "key_env"})
"""What belongs together: OAuth2 client credentials, a bearer token, a key in a header."""


class Client(NamedTuple):
    """A client of OAuth2: where tokens are made, and the variables of its id and secret."""

    path: str
    id_env: str
    secret_env: str


class FixedKey(NamedTuple):
    """A key that stays the same: the header that takes it, what stands before it there, and its variable."""

    header: str
    before: str
    env: str


_URL = re.compile(r"https?://[^/\s]+(/\S*)?", re.IGNORECASE)


def _is_url(value: str) -> str:
    """Refuse what is no address over HTTP; a placeholder that is not filled in yet passes."""
    if "${" not in value and not _URL.fullmatch(value):
        raise ValueError("give an address such as https://carik.example/api")
    return value


class Token(Model):
    """How the source lets us in, by secrets in the environment: OAuth2 client credentials, a bearer token, or a key in a header."""

    path: str | None = None
    """OAuth2: where tokens are made."""
    client_id_env: str | None = None
    client_secret_env: str | None = None
    bearer_env: str | None = None
    """A token that stays the same, sent as `Authorization: Bearer ...`."""
    header: str | None = Field(None, pattern=_HEADER)
    """The header that takes a key as it is."""
    key_env: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Token":
        given = self.model_dump(exclude_none=True).keys()
        if given not in _WAYS:
            meant = max(_WAYS, key=lambda way: (len(way & given), -len(way)))
            missing, odd = sorted(meant - given), sorted(given - meant)
            wrong = f"{', '.join(missing)} is missing" if missing else f"{', '.join(odd)} does not belong to {' and '.join(sorted(meant))}"
            raise ValueError(f"{wrong}: give path, client_id_env and client_secret_env, or bearer_env, or header and key_env")
        return self

    @property
    def client(self) -> Client | None:
        """The client of OAuth2, where tokens are to be asked for."""
        if self.path is None or self.client_id_env is None or self.client_secret_env is None:
            return None
        return Client(self.path, self.client_id_env, self.client_secret_env)

    @property
    def fixed(self) -> FixedKey | None:
        """The key that stays the same, where there is one."""
        if self.bearer_env is not None:
            return FixedKey("Authorization", "Bearer ", self.bearer_env)
        return None if self.header is None or self.key_env is None else FixedKey(self.header, "", self.key_env)

    @property
    def names(self) -> str:
        """The variables of its secrets, for people."""
        return " and ".join(one for one in (self.client_id_env, self.client_secret_env, self.bearer_env, self.key_env) if one is not None)


class Cursor(Model):
    """The place in the change feed: the parameter that takes it, and where an answer tells the next; a change time, inclusive."""

    parameter: str
    path: Path
    overlap_s: float = Field(30.0, ge=0, le=86_400)
    """How much later than its change time a change may appear in the feed: a clock that was set back, a late commit. Read once more."""


class Page(Model):
    """The parameter that takes the greatest number of records of an answer, what we ask for, and what we take at most."""

    parameter: str
    size: int = Field(500, ge=1, le=10_000)
    most_mb: int = Field(8, ge=1, le=256)
    """Of an answer, unpacked; reading it takes some five times as much memory."""


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
            wrong = "snapshot.records must lead through as many parts as records, or ^ would mean two things"
            raise Misplaced(Mistake(("snapshot", "records"), wrong))
        return self

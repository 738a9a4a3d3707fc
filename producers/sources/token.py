"""
OAuth2 client credentials (RFC 6749, 4.4): a token, asked for when it is needed and kept until shortly before it ends; or a key for ever.

Why: the one library for it has open faults in exactly this flow, and the flow is forty lines.
Must not: let id, secret or token into a repr, a log or an error.
"""

import threading
from collections.abc import Callable, Mapping

import httpx2

from producers.declaration.rest import Client, FixedKey, Token
from producers.environment import why_missing
from producers.faults import SourceAway, SourceRefuses
from producers.sources.answers import AnswerUnreadable, asked

__all__ = ["KeyHeader", "TokenCache", "let_in_by"]

_MARGIN = 0.1
"""Share of a token's life after which it is not used any more: clocks differ, and an answer takes time."""
_DEFAULT_LIFE_S = 60.0
_REFUSED = (400, 401, 403)
_REFUSED_WAIT_S = 10.0
_MOST_BYTES = 1 << 20
"""Of an answer with a token, which has some hundred."""


class TokenCache:
    """The token of one client, for all threads that ask as it; `clock_s` is monotonic, in seconds."""

    def __init__(self, declared: Client, environ: Mapping[str, str], client: httpx2.Client, clock_s: Callable[[], float]) -> None:
        """Know where tokens are made and who we are; nothing is asked yet."""
        self._declared, self._environ, self._client, self._clock_s = declared, environ, client, clock_s
        self._token: str | None = None
        self._until_s = 0.0
        self._lock = threading.Lock()

    def header(self) -> dict[str, str]:
        """Return the header that authorises a request; raises `SourceRefuses`, `SourceAway`, or httpx2's own errors."""
        with self._lock:
            if self._token is None or self._clock_s() >= self._until_s:
                self._ask()
            return self._header()

    def drop(self, header: Mapping[str, str]) -> None:
        """Forget the token of a header, because the source did not take it; one that was made since stays."""
        with self._lock:
            if header == self._header():
                self._token = None

    def _header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _ask(self) -> None:
        told = {"grant_type": "client_credentials", **self._credentials()}
        try:
            answer = asked(self._client, "POST", self._declared.path, _MOST_BYTES, data=told)
        except AnswerUnreadable as error:
            raise SourceAway(address=self._declared.path, why=error.why, wait_s=_REFUSED_WAIT_S) from error
        if answer.status_code in _REFUSED:
            raise self._refusal(f"HTTP {answer.status_code}")
        if not answer.is_success:
            raise SourceAway(address=self._declared.path, why=f"HTTP {answer.status_code}", wait_s=0.0, remedy="is token.path right?")
        try:
            made = answer.json()
            token, life_s = str(made["access_token"]), float(made.get("expires_in", _DEFAULT_LIFE_S))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise SourceAway(address=self._declared.path, why="the answer is no token", wait_s=0.0) from error
        self._token, self._until_s = token, self._clock_s() + life_s * (1 - _MARGIN)

    def _credentials(self) -> dict[str, str]:
        names = {"client_id": self._declared.id_env, "client_secret": self._declared.secret_env}
        if missing := [name for name in names.values() if not self._environ.get(name)]:
            raise self._refusal(" and ".join(why_missing(name, self._environ) for name in missing))
        return {field: self._environ[name] for field, name in names.items()}

    def _refusal(self, why: str) -> SourceRefuses:
        names = f"{self._declared.id_env} and {self._declared.secret_env}"
        return SourceRefuses(address=self._declared.path, why=why, names=names, wait_s=_REFUSED_WAIT_S)


class KeyHeader:
    """A key that stays the same, read anew for every question: one that was changed in its place counts at once."""

    def __init__(self, declared: FixedKey, environ: Mapping[str, str], address: str) -> None:
        """Know where the key lies; it is not read yet."""
        self._declared, self._environ, self._address = declared, environ, address

    def header(self) -> dict[str, str]:
        """Return the header that authorises a request; raises `SourceRefuses` where the key is not there or cannot stand in a header."""
        key = self._environ.get(self._declared.env, "")
        if not key:
            raise self._refusal(why_missing(self._declared.env, self._environ))
        if not (key.isascii() and key.isprintable()):
            raise self._refusal(f"{self._declared.env} holds what cannot stand in a header, such as the end of a line")
        return {self._declared.header: f"{self._declared.before}{key}"}

    def _refusal(self, why: str) -> SourceRefuses:
        return SourceRefuses(address=self._address, why=why, names=self._declared.env, wait_s=_REFUSED_WAIT_S)


def let_in_by(
    declared: Token | None, environ: Mapping[str, str], client: httpx2.Client, address: str, clock_s: Callable[[], float]
) -> TokenCache | KeyHeader | None:
    """Return what gives the header by which a source lets us in; None where it lets everybody in."""
    if declared is None:
        return None
    if declared.fixed is not None:
        return KeyHeader(declared.fixed, environ, address)
    return TokenCache(declared.client, environ, client, clock_s) if declared.client is not None else None

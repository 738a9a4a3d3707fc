"""
OAuth2 client credentials (RFC 6749, 4.4): a token, asked for when it is needed and kept until shortly before it ends.

Why: the one library for it has open faults in exactly this flow, and the flow is forty lines.
Must not: let id, secret or token into a repr, a log or an error.
"""

import threading
from collections.abc import Callable, Mapping

import httpx2

from producers.declaration.rest import Token
from producers.environment import why_missing
from producers.faults import SourceAway, SourceRefuses

__all__ = ["TokenCache"]

_MARGIN = 0.1
"""Share of a token's life after which it is not used any more: clocks differ, and an answer takes time."""
_DEFAULT_LIFE_S = 60.0
_REFUSED = (400, 401, 403)
_REFUSED_WAIT_S = 10.0


class TokenCache:
    """The token of one client, for all threads that ask as it; `clock_s` is monotonic, in seconds."""

    def __init__(self, declared: Token, environ: Mapping[str, str], client: httpx2.Client, clock_s: Callable[[], float]) -> None:
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
        answer = self._client.post(self._declared.path, data={"grant_type": "client_credentials", **self._credentials()})
        if answer.status_code in _REFUSED:
            raise self._refusal(f"HTTP {answer.status_code}")
        if not answer.is_success:
            raise SourceAway(address=self._declared.path, why=f"HTTP {answer.status_code}", wait_s=0.0, remedy="is token.path right?")
        try:
            told = answer.json()
            token, life_s = str(told["access_token"]), float(told.get("expires_in", _DEFAULT_LIFE_S))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise SourceAway(address=self._declared.path, why="the answer is no token", wait_s=0.0) from error
        self._token, self._until_s = token, self._clock_s() + life_s * (1 - _MARGIN)

    def _credentials(self) -> dict[str, str]:
        names = {"client_id": self._declared.client_id_env, "client_secret": self._declared.client_secret_env}
        if missing := [name for name in names.values() if not self._environ.get(name)]:
            raise self._refusal(" and ".join(why_missing(name, self._environ) for name in missing))
        return {field: self._environ[name] for field, name in names.items()}

    def _refusal(self, why: str) -> SourceRefuses:
        names = f"{self._declared.client_id_env} and {self._declared.client_secret_env}"
        return SourceRefuses(address=self._declared.path, why=why, names=names, wait_s=_REFUSED_WAIT_S)

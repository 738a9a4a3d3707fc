"""
Asking a source over HTTP: a question with its token, and JSON or the reason why there is none.

Why: a change feed and a snapshot are asked alike, by two threads.
Must not: know what a record is; follow a pause that silences a region.
"""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from producers.declaration import RestSource
from producers.faults import SourceAway, SourceRefuses
from producers.records import Node, follower
from producers.sources.answers import Answer, AnswerUnreadable, asked
from producers.sources.token import KeyHeader, let_in_by

__all__ = ["Asking"]

_BUSY = (429, 503)
_REFUSED = (401, 403)
_GREATEST_WAIT_S = 300.0
"""A source that asks for a longer pause is asked again after this: a slip there must not silence a region for days."""
_REFUSED_WAIT_S = 10.0
_UNREADABLE_WAIT_S = 10.0
"""How long a source is left alone that sends too much: it would send it again."""
_WRONG = timedelta(days=1)
"""A source's clock that is further behind ours is wrong: nothing goes by it."""
_ALIKE = timedelta(seconds=2)
"""Clocks that differ by less are alike: an answer bears its time in whole seconds, and takes its way."""
_USERINFO = re.compile(r"//[^/?#]*@")
"""What of an address is nobody's to see: a name and a password before the host."""


_REMEDIES = {
    401: "it wants credentials: declare [source.token]",
    403: "it lets us in no further: ask for the right to read, or declare [source.token]",
    404: "is url right, with changes and snapshot.path behind it?",
}
"""What helps, by status; what a busy or broken server says passes by itself."""


def _unreached(error: Exception) -> str:
    """Return what helps where nothing answered."""
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return "an address begins with http:// or https:// and a host: mend url"
    if isinstance(error, httpx2.ConnectError):
        return "does the source run, can it be reached from here, and is url right?"
    return ""


def _borne(date: str | None) -> datetime | None:
    """Return the second that an answer's header tells as its time; None where it tells none."""
    try:
        told = parsedate_to_datetime(date or "")
        return told if told.tzinfo is not None else told.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


class Asking:
    """One source's address and our credentials there; may be used by several threads."""

    def __init__(
        self,
        declared: RestSource,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know where to ask; nothing is asked yet."""
        self._declared, self._clock = declared, clock
        self._asked = threading.local()
        """At which time, by our own clock, each thread asked last."""
        self._answered: datetime | None = None
        """The second in which the newest answer was made, by the source's clock."""
        self._address = _USERINFO.sub("//", declared.url, count=1)
        self._client = httpx2.Client(base_url=declared.url, timeout=declared.timeout_s)
        self._token = let_in_by(declared.token, environ, self._client, self._address, clock_s)

    def asked(self, path: str, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON of a page; raises `SourceAway`."""
        self._asked.at = self._clock()
        try:
            answer = self._answer(path, parameters)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self.away(type(error).__name__, remedy=_unreached(error)) from error
        except AnswerUnreadable as error:
            raise self.away(error.why, _UNREADABLE_WAIT_S, error.remedy) from error
        self._answered = _borne(answer.headers.get("Date"))
        if answer.status_code in _BUSY:
            raise self.away(f"HTTP {answer.status_code}", self._pause(answer.headers.get("Retry-After")))
        if answer.status_code in _REFUSED and self._declared.token is not None:
            why, names = f"HTTP {answer.status_code}", self._declared.token.names
            raise SourceRefuses(address=self._address, why=why, names=names, wait_s=_REFUSED_WAIT_S)
        if not answer.is_success:
            raise self.away(f"HTTP {answer.status_code}", remedy=_REMEDIES.get(answer.status_code, ""))
        try:
            return answer.json()
        except (ValueError, RecursionError) as error:
            raise self.away("the answer is no JSON") from error

    def flag(self, answer: Any, path: str) -> bool:  # noqa: ANN401 - JSON
        """Return whether an answer says that more is there."""
        more = follower(path)(Node(answer))
        if not isinstance(more, bool):
            raise self.away(f"{path} in its answer is neither true nor false")
        return more

    def now(self) -> datetime:
        """
        Return our own time when the newest answer was asked for, or the source's, as that answer bears it, where that is clearly earlier.

        Where a cursor may lie: what was recorded after an answer was made, and before it was read, would lie behind a later one, where
        nobody asks again; and so would changes of a time for which our own clock ran ahead.
        """
        own, told = getattr(self._asked, "at", None) or self._clock(), self._answered
        return told if told is not None and _ALIKE < own - told < _WRONG else own

    def away(self, why: str, wait_s: float = 0.0, remedy: str = "") -> SourceAway:
        """Return the fault that the source does not answer as it should; it is left alone for at least so many seconds."""
        return SourceAway(address=self._address, why=why, wait_s=wait_s, remedy=remedy)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _answer(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """Ask, once more with a new token where the source does not take the one that we have."""
        whole = {self._declared.page.parameter: str(self._declared.page.size), **parameters}
        if self._token is None:
            return self._page(path, whole)
        header = self._token.header()
        answer = self._page(path, whole, header)
        if answer.status_code in _REFUSED and not isinstance(self._token, KeyHeader):
            self._token.drop(header)
            answer = self._page(path, whole, self._token.header())
        return answer

    def _page(self, path: str, parameters: Mapping[str, str], header: Mapping[str, str] | None = None) -> Answer:
        return asked(self._client, "GET", path, self._declared.page.most_mb << 20, params=parameters, headers=header)

    def _pause(self, retry_after: str | None) -> float:
        """Return how long the source wants to be left alone, in seconds, told as a number or as a date; 0 where it says neither."""
        for read in (float, self._until):
            with contextlib.suppress(ValueError, TypeError):
                return min(max(read(retry_after or ""), 0.0), _GREATEST_WAIT_S)
        return 0.0

    def _until(self, text: str) -> float:
        return (parsedate_to_datetime(text) - self._clock()).total_seconds()

"""
A change feed over HTTP, maybe with a snapshot before it: JSON, pages by a cursor that is a change time, OAuth2 client credentials.

Why: many regional systems can say "what changed since", and no more.
Must not: trust an answer: pages repeat and overlap, cursors stand still, and 200 may carry an error page.
"""

import contextlib
import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from producers.conversions import is_utf8
from producers.declaration import RestSource
from producers.declaration.rest import Snapshot
from producers.faults import RecordUnreadable, SourceAway, SourceRefuses, masked
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.records import Node, Unreachable, follower, nodes_of
from producers.sources import Batch, mapped
from producers.sources.rest_snapshot import Place, place_of
from producers.sources.second_look import SecondLook, earlier, not_beyond
from producers.sources.token import TokenCache
from schemas.events import HouseholdChanged

__all__ = ["RestReader"]

_BUSY = (429, 503)
_REFUSED = (401, 403)
_GREATEST_WAIT_S = 300.0
"""A source that asks for a longer pause is asked again after this: a slip there must not silence a region for days."""
_REFUSED_WAIT_S = 10.0
_REMEMBERED = 100_000
"""Events and records put aside of the last pages by which repetitions are known: a minute's changes at 1,500 a second, some 20 MB."""
_STANDS = 10
"""Pages that bring nothing new and do not move on, after which the source is left alone for a while."""
_STANDS_WAIT_S = 5.0

Key = bytes
"""What an event is known by, or the mark of a record that was put aside; 16 bytes."""


class RestReader:
    """Reads one change feed."""

    def __init__(
        self,
        declared: RestSource,
        mapper: Mapper,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know where the feed is; nothing is asked yet."""
        self._declared, self._mapper, self._clock = declared, mapper, clock
        self._client = httpx2.Client(base_url=declared.url, timeout=declared.timeout_s)
        self._token = TokenCache(declared.token, environ, self._client, clock_s) if declared.token else None
        self._cursor = follower(declared.cursor.path)
        self._seen: set[Key] = set()
        self._seen_order: deque[Key] = deque()
        self._stood = 0
        self._second_look = SecondLook(declared.cursor.overlap_s, clock_s)

    def read(self, position: str | None) -> Batch:
        """Return one page, of the snapshot first where there is one; see `producers.sources.Source`."""
        place, snapshot = place_of(position), self._declared.snapshot
        if snapshot is not None and (position is None or place is not None):
            return self._snapshot_page(snapshot, place)
        position = place.since if place is not None else position
        since = self._second_look.since(position)
        events, aside, following, more = self._feed_page(since)
        kept, caught_up = self._second_look.after(position, following, more=more)
        return self._batch(events, aside, kept, caught_up=caught_up)

    def _feed_page(self, position: str | None) -> tuple[dict[Key, HouseholdChanged], dict[bytes, PutAside], str | None, bool]:
        """Return what the feed tells from a place on, where it goes on, and whether more is there."""
        answer = self._asked(self._declared.changes, {} if position is None else {self._declared.cursor.parameter: position})
        events, aside = self._mapped(answer, self._declared.records)
        more, following = self._told(answer, position)
        self._must_move_on(moved=following != position or bool(events or aside), more=more)
        return events, aside, following, more

    def _snapshot_page(self, declared: Snapshot, place: Place | None) -> Batch:
        answer = self._asked(declared.path, {} if place is None else {declared.key.parameter: str(place.after)})
        events, aside = self._mapped(answer, declared.records or self._declared.records)
        since = place.since if place is not None else self._since(answer, declared)
        if not self._flag(answer, declared.more or self._declared.more):
            return self._batch(events, aside, since, caught_up=False)
        key = follower(declared.key.path)(Node(answer))
        if isinstance(key, bool) or not isinstance(key, str | int) or not is_utf8(str(key)):
            raise self._away(f"{declared.key.path} in its answer is neither a text nor a whole number")
        if place is not None and not place.is_passed_by(key):
            raise self._away(f"{declared.key.path} in its answer does not grow though more is there", _STANDS_WAIT_S)
        return self._batch(events, aside, Place(since, key).position(), caught_up=False)

    def _mapped(self, answer: Any, path: str) -> tuple[dict[Key, HouseholdChanged], dict[bytes, PutAside]]:  # noqa: ANN401 - JSON
        """Return what an answer brings that is not known from the last pages: events, and records that cannot be read."""
        records, faults = nodes_of(answer, path)
        if wrong := [fault for fault in faults if fault.part.parent is None]:
            raise self._away(f"in its answer {wrong[0].field} {wrong[0].cause}")
        events, aside = mapped(self._mapper, records, self._declared.changes)
        aside |= {self._mapper.mark(fault.part): self._unreachable(fault) for fault in faults}
        fresh = {key: event for event in events if (key := _key(event)) not in self._seen}
        return fresh, {mark: one for mark, one in aside.items() if mark not in self._seen}

    def _batch(
        self, events: Mapping[Key, HouseholdChanged], aside: Mapping[bytes, PutAside], position: str | None, *, caught_up: bool
    ) -> Batch:
        return Batch(
            list(events.values()),
            position,
            caught_up=caught_up,
            aside=list(aside.values()),
            corrected=[mark for event in events.values() for mark in self._mapper.marks_of(event)],
            kept=lambda: self._remember([*events, *aside]),
        )

    def again(self, since: datetime, position: str | None) -> Batch:
        """Return one page from a time on: the cursor is a change time."""
        begin = position or since.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        events, aside, following, more = self._feed_page(begin)
        return self._batch(events, aside, following, caught_up=not more)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # ---- asking ------------------------------------------------------------------------------------------------------------

    def _asked(self, path: str, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON of a page; raises `SourceAway`."""
        try:
            answer = self._get(path, parameters)
            if answer.status_code in _REFUSED and self._token is not None:
                self._token.drop()
                answer = self._get(path, parameters)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._away(type(error).__name__) from error
        if answer.status_code in _BUSY:
            raise self._away(f"HTTP {answer.status_code}", self._pause(answer.headers.get("Retry-After")))
        if answer.status_code in _REFUSED and self._declared.token is not None:
            names = f"{self._declared.token.client_id_env} and {self._declared.token.client_secret_env}"
            raise SourceRefuses(address=self._declared.url, why=f"HTTP {answer.status_code}", names=names, wait_s=_REFUSED_WAIT_S)
        if not answer.is_success:
            raise self._away(f"HTTP {answer.status_code}")
        try:
            return answer.json()
        except (ValueError, RecursionError) as error:
            raise self._away("the answer is no JSON") from error

    def _get(self, path: str, parameters: Mapping[str, str]) -> httpx2.Response:
        whole = {self._declared.page.parameter: str(self._declared.page.size), **parameters}
        return self._client.get(path, params=whole, headers=self._token.header() if self._token else {})

    def _pause(self, retry_after: str | None) -> float:
        """Return how long the source wants to be left alone, in seconds, told as a number or as a date; 0 where it says neither."""
        for read in (float, self._until):
            with contextlib.suppress(ValueError, TypeError):
                return min(max(read(retry_after or ""), 0.0), _GREATEST_WAIT_S)
        return 0.0

    def _until(self, text: str) -> float:
        return (parsedate_to_datetime(text) - self._clock()).total_seconds()

    def _away(self, why: str, wait_s: float = 0.0) -> SourceAway:
        return SourceAway(address=self._declared.url, why=why, wait_s=wait_s)

    # ---- judging the answer --------------------------------------------------------------------------------------------------

    def _told(self, answer: Any, position: str | None) -> tuple[bool, str | None]:  # noqa: ANN401 - JSON
        """Return whether more is there and where reading goes on; without a cursor it goes on where it was."""
        more, following = self._flag(answer, self._declared.more), self._cursor(Node(answer))
        if following is None:
            if more:
                raise self._away(f"more is there, but the answer has no {self._declared.cursor.path}")
            return more, position
        if not is_utf8(str(following)):
            raise self._away(f"{self._declared.cursor.path} in its answer is no text in UTF-8")
        goes_back = position is not None and _goes_back(position, str(following))
        return more, position if goes_back else not_beyond(str(following), self._clock())

    def _since(self, answer: Any, declared: Snapshot) -> str:  # noqa: ANN401 - JSON
        """Return where the feed is to be read from after a snapshot that begins now: as far back as a change may appear late."""
        since = follower(declared.since)(Node(answer))
        if not isinstance(since, str) or not is_utf8(since):
            raise self._away(f"{declared.since} in its answer is no text in UTF-8")
        since = not_beyond(since, self._clock())
        return earlier(since, self._declared.cursor.overlap_s) or since

    def _flag(self, answer: Any, path: str) -> bool:  # noqa: ANN401 - JSON
        """Return whether an answer says that more is there."""
        more = follower(path)(Node(answer))
        if not isinstance(more, bool):
            raise self._away(f"{path} in its answer is neither true nor false")
        return more

    def _remember(self, keys: Iterable[Key]) -> None:
        """Know events as kept, the newest ones; what is forgotten would be sent again, which changes nothing."""
        for key in keys:
            self._seen.add(key)
            self._seen_order.append(key)
        while len(self._seen_order) > _REMEMBERED:
            self._seen.discard(self._seen_order.popleft())

    def _must_move_on(self, *, moved: bool, more: bool) -> None:
        self._stood = 0 if moved or not more else self._stood + 1
        if self._stood >= _STANDS:
            self._stood = 0
            raise self._away("its cursor stands still though it says that more is there", _STANDS_WAIT_S)

    def _unreachable(self, fault: Unreachable) -> PutAside:
        told = RecordUnreadable(field=fault.field, cause=fault.cause, value=masked(type(fault.part.value).__name__))
        return PutAside.record(self._mapper.mark(fault.part), self._declared.changes, told)


def _key(event: HouseholdChanged) -> Key:
    said = f"{event.valid_from.toordinal()} {event.revision} {event.operation}".encode()
    return hashlib.blake2b(event.household + said, digest_size=16).digest()


def _goes_back(position: str, following: str) -> bool:
    """Return whether a cursor that is a change time lies before the one we have: an old page came again."""
    try:
        return datetime.fromisoformat(following) < datetime.fromisoformat(position)
    except (ValueError, TypeError):
        return False

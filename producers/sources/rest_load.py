"""
The pages of a snapshot, each asked for in a thread while changes are read: a slow page, or one that does not come, holds up no change.

Why: a million families are read once, and no change may wait behind them for more than a moment.
Must not: read on where nothing may be read; believe a key that does not grow; skip a page that cannot be had.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from producers.backoff import Backoff
from producers.conversions import is_utf8
from producers.declaration.rest import Snapshot
from producers.faults import SourceAway
from producers.records import Node, follower
from producers.sources.rest_asking import Asking
from producers.sources.rest_snapshot import Key, Place

__all__ = ["Load", "Page"]

_STANDS_WAIT_S = 5.0
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a snapshot."""

    answer: Any
    since: Any
    """Where the source says that its feed stands, whatever that is."""
    after: Key | None
    """The key behind which to go on, None after the last page."""
    total: int | None
    """How many records there are in all, where this page tells it."""


@dataclass(slots=True)
class _Asked:
    """One question under way, or answered."""

    after: Key | None
    done: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    error: BaseException | None = None


class Load:
    """One snapshot; used by the thread that reads."""

    def __init__(self, declared: Snapshot, more: str, asking: Asking, clock_s: Callable[[], float]) -> None:
        """Know how to ask for pages; `more` is the path of the feed's flag, which counts where the snapshot has none of its own."""
        self.declared = declared
        self._more, self._asking, self._clock_s = declared.more or more, asking, clock_s
        self._key, self._since = follower(declared.key.path), follower(declared.since)
        self._total = follower(declared.total) if declared.total is not None else None
        self._asked: _Asked | None = None
        self._backoff, self._again_s = Backoff(), float("-inf")
        self._turn = threading.Lock()
        self.may = True
        """Whether more may be read now."""
        self.note = ""
        """Why the last page could not be had, until the next one is."""

    def page(self, place: Place | None, wait_s: float) -> Page | None:
        """
        Return the page behind a place, waiting at most so many seconds; None where it is not there, or not to be read now.

        Raises `SourceAway` where the page cannot be had, or lies. The next one is asked for as soon as this one is there.
        """
        if not self.may or self._clock_s() < self._again_s:
            return None
        asked = self._ask(place.after if place is not None else None)
        if not asked.done.wait(wait_s):
            return None
        self._asked = None
        if asked.error is not None:
            raise asked.error
        page = self._judged(asked.answer, place)
        if page.after is not None:
            self._ask(page.after)
        return page

    def wait(self, away: SourceAway) -> None:
        """Leave the snapshot alone for a while; changes go on."""
        self._again_s = self._clock_s() + self._backoff.pause_s(away.wait_s)
        self.note = f"the first load waits ({away.facts['why']}); changes go on"

    def goes_on(self) -> None:
        """Know that a page was as it should be."""
        self._backoff.over()
        self.note = ""

    def _ask(self, after: Key | None) -> _Asked:
        """Return the question for the page behind a key, which is asked now unless it was already."""
        if self._asked is None or self._asked.after != after:
            self._asked = _Asked(after)
            threading.Thread(target=self._answered, args=(self._asked,), name="snapshot", daemon=True).start()
        return self._asked

    def _answered(self, asked: _Asked) -> None:
        """Ask, in a thread: what goes wrong, whatever it is, is for the one who waits."""
        parameters = {} if asked.after is None else {self.declared.key.parameter: str(asked.after)}
        try:
            with self._turn:  # a question that nobody waits for any more ends first
                asked.answer = self._asking.asked(self.declared.path, parameters)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that reads
            asked.error = error
        asked.done.set()

    def _judged(self, answer: Any, place: Place | None) -> Page:  # noqa: ANN401 - JSON
        node, after = Node(answer), None
        if self._asking.flag(answer, self._more):
            after = self._key(node)
            if isinstance(after, bool) or not isinstance(after, str | int) or not is_utf8(str(after)):
                raise self._asking.away(f"{self.declared.key.path} in its answer is neither a text nor a whole number")
            if place is not None and not place.is_passed_by(after):
                raise self._asking.away(f"{self.declared.key.path} in its answer does not grow though more is there", _STANDS_WAIT_S)
        return Page(answer, self._since(node), after, _count(self._total(node)) if self._total is not None else None)


def _count(told: Any) -> int | None:  # noqa: ANN401 - JSON
    """Return a number of records as a source tells it, in digits or as a number; None where it is none."""
    text = str(told) if isinstance(told, int | str) and not isinstance(told, bool) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None

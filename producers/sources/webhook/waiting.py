"""
What was let in and waits to be kept: a bounded queue between the server's thread and the reader's.

Why: many requests are kept by one transaction, so each waits a little for its answer, and none is answered before.
Must not: hold more than it is told to; answer anything itself.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from producers.sources.webhook.refusals import Refusal, RequestRefused

__all__ = ["Answer", "Request", "Waiting"]


@dataclass(slots=True, eq=False)
class Request:
    """One request that was let in: its delivery number, its body, and what the server knows it by."""

    delivery: str = field(repr=False)
    body: bytes = field(repr=False)
    ticket: object = field(repr=False)


Answer = tuple[Request, Refusal | None]
"""A request and why it is refused in the end; None where it is kept."""


class Waiting:
    """The queue; used by both threads."""

    def __init__(self, most: int, most_bytes: int, answer: Callable[[Sequence[Answer]], None]) -> None:
        """Hold at most so many requests and bytes; `answer` brings answers to whoever waits for them, from any thread."""
        self._most, self._most_bytes, self._answer = most, most_bytes, answer
        self._requests: deque[Request] = deque()
        self._bytes = 0
        self._taken: list[Request] = []
        self._refusal: Refusal | None = None
        self._changed = threading.Condition()

    @property
    def refusal(self) -> Refusal | None:
        """Why nothing can be kept now, if so."""
        return self._refusal

    def offer(self, request: Request) -> None:
        """Add a request; raises `RequestRefused` where it cannot wait."""
        with self._changed:
            if self._refusal is not None:
                raise RequestRefused(self._refusal)
            if len(self._requests) >= self._most or self._bytes + len(request.body) > self._most_bytes:
                raise RequestRefused(Refusal.TOO_MUCH_WAITS)
            self._requests.append(request)
            self._bytes += len(request.body)
            if len(self._requests) == 1:
                self._changed.notify()

    def take(self, most: int, most_bytes: int, wait_s: float) -> list[Request]:
        """Return what waits, up to so many requests and bytes, the oldest first; where nothing does, wait a little for some."""
        with self._changed:
            if not self._requests and self._refusal is None:
                self._changed.wait(wait_s)
            taken: list[Request] = []
            held = 0
            while self._requests and len(taken) < most and held < most_bytes:
                request = self._requests.popleft()
                taken.append(request)
                held += len(request.body)
            self._bytes -= held
            self._taken += taken
            return taken

    def empty(self) -> bool:
        """Return whether nothing waits."""
        return not self._requests

    def settle(self, answers: Sequence[Answer]) -> None:
        """Answer requests that were taken."""
        settled = {id(request) for request, _ in answers}
        with self._changed:
            self._taken = [request for request in self._taken if id(request) not in settled]
        self._answer(answers)

    def open(self) -> None:
        """Let requests in again: what was taken last is kept."""
        with self._changed:
            if self._refusal is not Refusal.STOPPING:
                self._refusal = None

    def refuse(self, refusal: Refusal) -> None:
        """Let nothing in any more, and refuse what waits and what was taken but not kept."""
        with self._changed:
            self._refusal = Refusal.STOPPING if self._refusal is Refusal.STOPPING else refusal
            left = [*self._taken, *self._requests]
            self._taken, self._bytes = [], 0
            self._requests.clear()
            self._changed.notify()
        self._answer([(request, refusal) for request in left])

    def stop(self) -> None:
        """Let nothing in any more; what waits may still be taken and kept."""
        with self._changed:
            self._refusal = Refusal.STOPPING
            self._changed.notify()

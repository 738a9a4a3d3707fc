"""
One reading of the log: messages to gathered changes, batch by batch, from a position on.

Why: one question to the server may bring one transaction or millions of changes, and either way a batch is small.
Must not: ask the server more than once; judge what a truncated table means (log.py does).
"""

from collections.abc import Generator
from dataclasses import dataclass

from producers.sources.postgres.gathering import Gathering, Plan
from producers.sources.postgres.pgoutput import CHANGES, Begin, Commit, Decoder, RowChange, Truncated
from producers.sources.postgres.places import place_of, written

__all__ = ["Filled", "Stream"]


@dataclass(frozen=True, slots=True)
class Filled:
    """What a batch was filled with: where reading goes on, and why it ended here."""

    upto: str
    done: int
    exhausted: bool
    """The server gave no more messages."""
    truncated: Truncated | None = None
    """Tables are emptied next, at `upto`."""


class Stream:
    """The messages of one peek at the slot; those at or below the position that is kept are passed over."""

    def __init__(self, messages: Generator[bytes, None, None], plan: Plan, upto: str, done: int, accepted: frozenset[str]) -> None:
        """Begin at a position; `accepted` are the places of commits whose TRUNCATEs count for nothing."""
        self._messages = messages
        columns = {plan.table: frozenset(plan.wanted.main)} | {table: frozenset((key,)) for table, key in plan.children.items()}
        before = {table: frozenset((key,)) for table, key in plan.children.items()}
        before[plan.table] = frozenset(name for name in (plan.key, plan.wanted.date, plan.wanted.village) if name)
        self._decoder = Decoder(columns, before)
        self.gathering = Gathering(plan)
        self._accepted = accepted
        self._kept, self._kept_done = place_of(upto), done
        self._upto, self._done = place_of(upto), done
        self._commit_place = 0
        self._skip = 0
        """Changes of the transaction at hand that are kept already; -1 where all are."""
        self._index = 0
        self.messages = 0
        """Messages read so far."""

    def close(self) -> None:
        """Let go of the messages that were not taken."""
        self._messages.close()

    def fill(self, most: int) -> Filled:
        """Gather changes until there are `most`, or no more."""
        gathering = self.gathering
        for message in self._messages:
            self.messages += 1
            if self._skip < 0 and message[0] in CHANGES:
                continue
            told = self._decoder.read(message)
            if type(told) is RowChange:
                self._index += 1
                if self._index <= self._skip:
                    gathering.pass_over(told)
                    continue
                gathering.change(told)
                if gathering.size >= most:
                    return Filled(written(self._commit_place), self._index, exhausted=False)
            elif type(told) is Begin:
                self._begin(told)
            elif type(told) is Commit and self._skip >= 0:
                self._upto, self._done = told.end_place, 0
            elif type(told) is Truncated and self._counts():
                return Filled(written(self._commit_place), self._index, exhausted=False, truncated=told)
        return Filled(written(self._upto), self._done, exhausted=True)

    def _begin(self, begin: Begin) -> None:
        self._commit_place = begin.commit_place
        if begin.commit_place < self._kept:
            self._skip = -1
            return
        self._skip = self._kept_done if begin.commit_place == self._kept else 0
        self._index = 0
        self.gathering.begin(begin)

    def _counts(self) -> bool:
        """Return whether a TRUNCATE is to be looked at: neither passed already, nor accepted."""
        return 0 <= self._skip <= self._index and written(self._commit_place) not in self._accepted

"""
Chaos: kills workers, publishers and adapters at random, from their first moment until everything has drained.

Why: figures that are exact only while nothing dies are not exact; so each kind that there is dies once before any dies again.
Must not: kill anything but the children of the supervisors that it was given, which start them again.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Self

from deploy.supervisor import Supervisor

__all__ = ["Chaos"]

_PAUSE_S = (0.5, 8.0)
"""Between two kills: some while the last one's partitions are still being taken over, some in the full run."""
_FIRST_PAUSE_S = (0.5, 3.0)
"""The same while a kind was not killed yet: a small play lasts some twenty seconds."""
_SHARES = {"workers": 2, "publishers": 1, "adapters": 1}


class Chaos:
    """Kills, while it is entered, a child of one of the supervisors that there are by then; `kills` counts them by kind."""

    def __init__(self, supervisors: Mapping[str, Supervisor], seed: int) -> None:
        """Take the supervisors by what they keep running (workers, publishers, adapters), perhaps none yet; others join later."""
        self._supervisors, self._dice = supervisors, random.Random(seed)  # noqa: S311 - chaos need not be secret
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)
        self.kills: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill no more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._dice.uniform(*(_PAUSE_S if self.kills.keys() >= _SHARES.keys() else _FIRST_PAUSE_S))):
            what = self._chosen()
            if what and self._supervisors[what].kill_one(self._dice):
                self.kills[what] += 1

    def _chosen(self) -> str:
        """Return a kind that nobody of was killed yet, else any by its share; empty while there is none."""
        there = [kind for kind in _SHARES if kind in self._supervisors]
        spared = [kind for kind in there if not self.kills[kind]] or there
        return self._dice.choices(spared, [_SHARES[kind] for kind in spared])[0] if spared else ""

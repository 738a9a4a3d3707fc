"""
Chaos: kills workers, publishers and adapters at random, from their first moment until everything has drained.

Why: figures that are exact only while nothing dies are not exact.
Must not: kill anything but the children of the supervisors that it was given, which start them again.
"""

import random
import threading
from collections.abc import Mapping
from typing import Self

from deploy.supervisor import Supervisor

__all__ = ["Chaos"]

_PAUSE_S = (0.5, 8.0)
"""Between two kills: some while the last one's partitions are still being taken over, some in the full run."""
_SHARES = {"workers": 2, "publishers": 1, "adapters": 1}


class Chaos:
    """Kills, while it is entered, a child of one of the supervisors that there are by then; `kills` counts them."""

    def __init__(self, supervisors: Mapping[str, Supervisor], seed: int) -> None:
        """Take the supervisors by what they keep running (workers, publishers, adapters), perhaps none yet; others join later."""
        self._supervisors, self._dice = supervisors, random.Random(seed)  # noqa: S311 - chaos need not be secret
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)
        self.kills = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill no more."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._dice.uniform(*_PAUSE_S)):
            what = self._dice.choices(list(_SHARES), list(_SHARES.values()))[0]
            supervisor = self._supervisors.get(what)
            if supervisor is not None and supervisor.kill_one(self._dice):
                self.kills += 1

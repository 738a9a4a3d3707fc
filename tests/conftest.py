"""Fixtures that every test may ask for: the embedded services, one set for the session; and the order in which tests are played."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.embedded import services

__all__ = ["services"]

settings.register_profile("muara", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("muara")  # how long an example takes says something of the machine, nothing of the law

_TESTS = Path(__file__).parent
_APART = [_TESTS / "certify"]
"""Where a test takes up to minutes, and shares nothing with its neighbours."""
_TOGETHER = [_TESTS / one for one in ("contract", "deploy/embedded", "faults", "integration")]
"""Where tests take seconds to a minute, and neighbours share what is set up for them."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Give each process its share of the long tests first, or one would still be at them when all others are done.

    The processes get equal parts of the list, one after the other; which test comes when is otherwise left to chance.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    apart = [item for item in items if _lies_in(item, _APART)]
    together = [item for folder in _TOGETHER for item in items if _lies_in(item, [folder])]
    short = [item for item in items if not _lies_in(item, [*_APART, *_TOGETHER])]
    items[:] = [
        item
        for number in range(processes)
        for item in (*apart[number::processes], *_share(together, number, processes), *_share(short, number, processes))
    ]


def _lies_in(item: pytest.Item, folders: Sequence[Path]) -> bool:
    return any(folder in item.path.parents for folder in folders)


def _share(items: Sequence[pytest.Item], number: int, of: int) -> Sequence[pytest.Item]:
    """Return one of so many parts of neighbours."""
    return items[len(items) * number // of : len(items) * (number + 1) // of]

"""Fixtures that every test may ask for: the embedded services, one set for the session; and the order in which tests are played."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.embedded import services

__all__ = ["services"]

settings.register_profile("muara", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("muara")  # how long an example takes says something of the machine, nothing of the law

_TESTS = Path(__file__).parent
_LONG = [_TESTS / one for one in ("certify", "integration", "faults", "contract", "deploy/embedded")]
"""Where tests take seconds to minutes."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Give each process its share of the long tests first, or one would still be at them when all others are done.

    The processes get equal parts of the list, in its order; within long and short tests that order stays as it is, by chance.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    is_long = [any(folder in item.path.parents for folder in _LONG) for item in items]
    first = [item for item, long in zip(items, is_long, strict=True) if long]
    rest = [item for item, long in zip(items, is_long, strict=True) if not long]
    items[:] = [item for number in range(processes) for item in (*first[number::processes], *rest[number::processes])]

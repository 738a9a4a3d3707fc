"""The demo's look at the platform: nothing counts as read that nobody has begun to read."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.demo.run import look
from deploy.demo.stage import Play, Stage
from deploy.embedded import Silent
from deploy.settings import Settings
from processors.broker import Broker
from processors.store.offsets import Stand

READ = "muara.31.71.household.v1"


@pytest.mark.parametrize(("read", "behind"), [([], 9 * 5), ([Stand(READ, 0, 3, 1, None)], 8 * 5 + 2)])
def test_topics_that_no_worker_has_begun_are_behind(read: list[Stand], behind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the adapters have sent before a worker came is behind, so a load is not over before it has begun."""
    monkeypatch.setattr("deploy.demo.run.stands", lambda _: read)
    monkeypatch.setattr("deploy.demo.run.overview", lambda _: None)
    broker = SimpleNamespace(ends=lambda partitions: dict.fromkeys(partitions, 5))
    stage = Stage(Settings.from_environ({"MUARA_DIRECTORY": "/nowhere"}), Play(), Silent())

    seen = look(stage, cast("Any", None), cast("Broker", broker))

    assert seen.behind == behind

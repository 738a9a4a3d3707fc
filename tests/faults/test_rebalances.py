"""Rebalances under a stream: whoever joins or leaves, nobody takes over what another one has, and nobody ends for it."""

import time

from deploy.embedded import EmbeddedServices
from tests.faults.conftest import Streaming
from tests.integration.stage import Stage
from tests.integration.workers import working

JOINS = 3
SETTLED_S = 1.5


def test_joining_and_leaving_ends_no_worker(services: EmbeddedServices, streaming: Streaming) -> None:
    """A worker joins and leaves again and again while changes flow: neither is fenced by a late fetch of the other, and all ends exact."""
    stage = Stage.set(services, 6)
    with streaming(stage), working(stage, 1, kept=False, batch_records=40) as stays:
        for _ in range(JOINS):
            with working(stage, 1, kept=False, batch_records=40) as joins:
                stage.shared_by(2)
                time.sleep(SETTLED_S)
                assert (stays.exits(), joins.exits()) == ([], [])
            time.sleep(SETTLED_S)
            assert stays.exits() == []
    with working(stage, 1):
        stage.drained()
    stage.assert_exact()

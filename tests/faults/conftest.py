"""What every fault test needs: a stream of changes that goes on while something happens."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from deploy.embedded import EmbeddedServices
from tests.embedded import temporary_services
from tests.integration.events import Dice, household_key, life
from tests.integration.stage import Stage

__all__ = ["Streaming", "streaming"]

Streaming = Callable[[Stage], AbstractContextManager[threading.Event]]
HOUSEHOLDS, SLICE, PAUSE_S = 120, 25, 0.1


@pytest.fixture(scope="session")
def services() -> Iterator[EmbeddedServices]:
    """Services of the fault tests' own, in place of the session's: they are killed here, and other tests hold connections."""
    with temporary_services("faults") as running:
        yield running


@pytest.fixture
def streaming() -> Streaming:
    """Return how to keep a stream of random changes going over a stage; the event given is set when the stream has failed."""

    @contextmanager
    def stream(stage: Stage) -> Iterator[threading.Event]:
        failed, ended = threading.Event(), threading.Event()
        households = [household_key(number) for number in range(HOUSEHOLDS)]
        dice, producer = Dice(stage.group), stage.producer()

        def go_on() -> None:
            try:
                while not ended.is_set():
                    stage.send(life(dice, stage.claims, households, SLICE), producer)
                    time.sleep(PAUSE_S)
            except BaseException:
                failed.set()
                raise

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield failed
        finally:
            ended.set()
            thread.join()
        assert not failed.is_set()

    return stream

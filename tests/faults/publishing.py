"""
`muara publish` beside the workers of a stage, as the command that operators start, and the figures that must leave in the end.

Why: a figure that is exact in the database and not in the topic is not exact for whoever reads it.
Must not: take anything that the publisher computed as right: figures are recomputed from the statements.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from deploy.supervisor import Supervisor, muara
from processors.publish.runner import PublishSettings
from processors.store.verify import verify
from tests.integration.stage import Stage, until
from tests.integration.workers import Workers
from tests.processors.publish.conftest import Newsroom

__all__ = ["Publishing", "publishing"]

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Publishing:
    """A running publisher, named `publish`, and the topic that it sends to."""

    process: Workers
    newsroom: Newsroom

    def assert_published(self, limit_s: float = 60) -> None:
        """Wait until all has left, and hold every figure against its recomputation, and the topic against the figures."""
        until(self.newsroom.sent_all, limit_s)
        with psycopg.connect(self.newsroom.settings.database, autocommit=True) as connection:
            found = verify(connection)
        assert (found.exact, found.dirty) == (True, ())
        assert found.indicators > 0
        self.newsroom.assert_published()
        assert self.newsroom.view()


@contextmanager
def publishing(stage: Stage) -> Iterator[Publishing]:
    """Keep one publisher running over a stage; a failing test shows its log lines."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    where = {"MUARA_KAFKA": stage.kafka, "MUARA_REGISTRY": stage.registry, "MUARA_DATABASE": stage.database}
    newsroom = Newsroom.over(PublishSettings(stage.kafka, stage.registry, stage.database))
    with TemporaryDirectory(prefix="muara-publish-") as folder:
        kept = Supervisor([("publish", muara("publish"))], {**clean, **where, "PYTHONPATH": str(_ROOT)}, Path(folder))
        process = Workers(kept, Path(folder))
        kept.start()
        try:
            until(lambda: "folding and sending" in process.told(), 30)
            yield Publishing(process, newsroom)
        except BaseException:
            print(process.told())  # noqa: T201 - pytest shows it beside the failure
            raise
        finally:
            kept.stop()

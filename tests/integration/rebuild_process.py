"""
One rebuild as a process of its own, which stops for ever after a step and says so: settings as JSON in MUARA_REBUILD_OF_A_TEST.

Why: a test kills it at exactly that point.
Must not: do anything but `rebuild`.
"""

import json
import os
import sys
import time
from contextlib import closing

from processors.settings import WorkerSettings
from processors.store.rebuild import rebuild
from schemas.registry import Registry

__all__ = ["VARIABLE"]

VARIABLE = "MUARA_REBUILD_OF_A_TEST"


def _stop(step: str, done: int, of: int) -> None:
    if step == told["stop_after"] and done == of:
        sys.stdout.write("stopped\n")
        sys.stdout.flush()
        time.sleep(600)


if __name__ == "__main__":
    told = json.loads(os.environ[VARIABLE])
    with closing(Registry(told["registry"])) as schemas:
        rebuild(WorkerSettings(told["kafka"], told["registry"], told["database"]), schemas, progress=_stop)

"""
One worker as a process of its own: settings as JSON in the variable MUARA_WORKER_OF_A_TEST.

Why: tests choose batch sizes and limits that the command does not offer, and end the process as they like.
Must not: do anything but `run_worker`.
"""

import json
import os

from deploy.logs import set_up_logging
from processors.app import run_worker
from processors.settings import WorkerSettings

__all__ = ["VARIABLE"]

VARIABLE = "MUARA_WORKER_OF_A_TEST"

if __name__ == "__main__":
    set_up_logging("text")
    run_worker(WorkerSettings(**json.loads(os.environ[VARIABLE])))

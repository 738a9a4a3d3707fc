"""
An adapter in a process of its own, which may be told to die by SIGKILL when it reaches a step for the n-th time.

Why: `kill -9` at each step must be at that step, not somewhere near it; the steps are those of a certification.
Must not: change what a step does.
"""

import os
import sys
from pathlib import Path

from deploy.certify.process import STEPS, die_at
from producers.pseudonym import Pseudonyms
from producers.runner import run
from producers.settings import AdapterSettings

__all__ = ["STEPS"]


def main() -> int:
    """Run the adapter as the environment says."""
    if step := os.environ.get("DIE_AT"):
        die_at(step, int(os.environ["DIE_TIMES"]))
    settings = AdapterSettings(
        kafka=os.environ["KAFKA"],
        registry=os.environ["REGISTRY"],
        state_directory=Path(os.environ["STATE"]),
        pseudonyms=Pseudonyms.from_environ(os.environ),
        environ=os.environ,
        poll_interval_s=0.05,
    )
    return run(Path(sys.argv[1]), settings)


if __name__ == "__main__":
    sys.exit(main())

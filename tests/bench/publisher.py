"""
A publisher that notes how old each batch was when its fold was committed: `python -m tests.bench.publisher FILE`.

Why: the latency that counts ends with the commit of the fold, and only the process that folds sees it.
Must not: do anything else than `muara publish` does.
"""

import os
import signal
import sys
import time
from pathlib import Path
from threading import Event

from processors.publish.runner import PublishSettings, run
from processors.store.fold import FoldResult


def main(file: Path) -> int:
    """Fold and send until a signal; write a line for each batch: seconds since the epoch at its fold's commit, age in ms."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with file.open("w", encoding="ascii", buffering=1) as out:

        def note(result: FoldResult) -> None:
            now = time.time()
            out.write("".join(f"{now:.4f} {1000 * (now - arrived.timestamp()):.1f}\n" for arrived in result.arrived))

        return run(PublishSettings(*(os.environ[f"MUARA_{name}"] for name in ("KAFKA", "REGISTRY", "DATABASE"))), stop, note)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

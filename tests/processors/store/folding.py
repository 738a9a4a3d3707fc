"""
A process that folds as long as it may and tells what it does, one word a line; for tests that stop or kill it.

Why: only a process of its own can be killed.
Must not: send anything.
"""

import sys
import time

from processors.store.fold import Folder, SessionLost


def main(database: str) -> None:
    """Fold for ever."""
    folder, said = Folder(database), ""
    while True:
        try:
            now = "active" if folder.activate() else "standby"
            if now != said:
                _tell(now)
                said = now
            result = folder.fold() if now == "active" else None
            if result is not None:
                _tell(f"folded {result.rows}")
        except SessionLost:
            said = "lost"
            _tell(said)
        time.sleep(0.02)


def _tell(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

"""
A process `muara publish` of a test: addresses from its command line, one word a line of what it does.

Why: only a process of its own can be killed or stopped.
Must not: do anything that the product's command does not.
"""

import logging
import sys
from threading import Event

from processors.publish.runner import PublishSettings, run


class _Told(logging.Handler):
    """Writes the action of every log line to standard output."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one action."""
        sys.stdout.write(f"{getattr(record, 'action', record.getMessage())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    log = logging.getLogger("processors")
    log.addHandler(_Told())
    log.setLevel(logging.DEBUG)
    sys.exit(run(PublishSettings(*sys.argv[1:4]), Event()))

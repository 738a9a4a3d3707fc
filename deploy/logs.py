"""
Log lines as people or machines read them; chosen at the edge.

Why: every event is a constant sentence with named facts (`extra`), so both forms say the same.
Must not: log a value that may identify a person; nothing here could know.
"""

import json
import logging
import sys
from datetime import UTC, datetime

__all__ = ["set_up_logging"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items() if name != "action")
        line = f"{datetime.fromtimestamp(record.created, UTC):%H:%M:%S.%f} {record.levelname.lower():7} {record.getMessage()}"
        if record.exc_info:
            facts += "\n" + self.formatException(record.exc_info)
        return f"{line}  {facts}".rstrip()


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps({**said, **_facts(record)}, default=str)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}


def set_up_logging(form: str, level: int = logging.INFO) -> None:
    """Write log lines to standard error, as `text` or `json`; libraries speak from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for ours in ("schemas", "producers", "processors", "deploy"):
        logging.getLogger(ours).setLevel(level)
    for noisy in ("aiokafka", "faust", "mode", "processors.transport"):  # the last one's voice is Faust's
        logging.getLogger(noisy).setLevel(logging.ERROR)

"""
Notes which of some files' functions run, in any process of Python that has this folder in its path.

Why: that an event's way leads through a file is seen where it runs, in processes that a test only starts.
Must not: change what runs; note more than each file once per process.
"""

import os
import sys
import threading
from types import FrameType
from typing import Any

_FILES = frozenset(os.environ.get("FOLLOWED_FILES", "").split(os.pathsep))
_NOTES = os.environ.get("FOLLOWED_NOTES", "")
_left = set(_FILES)


def _note(frame: FrameType, event: str, _: Any) -> None:
    file = frame.f_code.co_filename
    if event != "call" or file not in _left or frame.f_code.co_name.startswith("<"):
        return
    _left.discard(file)
    with open(_NOTES, "ab") as notes:  # noqa: PTH123 - before anything else is imported
        notes.write(f"{file}\n".encode())


if _NOTES:
    sys.setprofile(_note)
    threading.setprofile(_note)

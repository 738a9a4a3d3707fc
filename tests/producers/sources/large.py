"""
Files of a few rows read as if they were large: in parts, in runs and in pieces of one or two households.

Why: whatever can happen between two parts of a million rows happens between two of five.
Must not: change what is decided, only how much of it lies in memory at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from producers.sources import consequences, files, files_again, gathered, owing, packed, showings, taken

__all__ = ["as_large"]


@contextmanager
def as_large(together: int, *, every: bool = True) -> Iterator[None]:
    """Read every file, or none, as a large one, so many rows, households, events and showings at once."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (files, files_again):
            patch.setattr(module, "is_large", lambda *_: every)
        for module in (consequences, files_again, gathered, owing, taken):
            patch.setattr(module, "_TOGETHER", together)
        patch.setattr(gathered, "_IN_MEMORY", together)
        patch.setattr(gathered, "_MOST_RUNS", 2)
        patch.setattr(packed, "_PART", together)
        patch.setattr(showings, "_SAYINGS", together)
        yield

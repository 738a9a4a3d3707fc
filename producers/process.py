"""
The process of an adapter: what ends it, and how seldom Python looks for cycles in it.

Why: of both there is one in a process, whatever is read in it.
Must not: know what runs in the process.
"""

import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["seldom_collecting", "stopping_by"]

_OBJECTS = 100_000
"""So many more objects than before make Python look for cycles; a batch of two thousand families has forty thousand."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """
    Let Python look for cycles seldom until the end of the block: events make none, and looking took a fifth of an adapter's time.

    What a batch holds is freed when it goes, as before; what is there already is not looked at any more.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def stopping_by(stop: threading.Event | None) -> Iterator[threading.Event]:
    """Give the event that ends the adapter: the caller's, or one that SIGTERM and SIGINT set."""
    if stop is not None:
        yield stop
        return
    own = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def wait() -> None:
        signal.sigwait(numbers)
        own.set()

    # A handler would run only between two steps of the main thread, which may wait seconds for an answer of the broker: a thread waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    threading.Thread(target=wait, name="signals", daemon=True).start()
    try:
        yield own
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

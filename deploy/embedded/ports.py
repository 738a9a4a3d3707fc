"""
The services' ports: free ones on the loopback interface, chosen once and kept while they stay free.

Why: an address in a psql history or a Grafana source should still work tomorrow.
Must not: choose from the range that the system gives to outgoing connections: while a server restarts, a client that tries again
could be given the server's own port, connect to itself, and keep it.
"""

import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

__all__ = ["LOOPBACK", "free", "listening", "ports_for"]

LOOPBACK = "127.0.0.1"
CHOICE = range(20_000, 32_000)
"""Above the well-known services, below the outgoing ports of Linux (32768 and up)."""
_CHANCE = random.SystemRandom()
"""Nobody's seed: processes that were seeded alike would choose alike, at the same moment."""


def ports_for(names: Iterable[str], kept: Path) -> dict[str, int]:
    """Return a port for each name, those of the file `kept` where they are free, and keep them there."""
    known: dict[str, int] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for name in names:
        if name not in known or not free(known[name]):
            known[name] = _choose(taken=known.values())
    unfinished = kept.with_name(f"{kept.name}.new")
    unfinished.write_text(json.dumps(known), encoding="utf-8")
    unfinished.replace(kept)
    return known


def free(port: int) -> bool:
    """Tell whether a server could listen on the port now; connections that are dying away do not matter."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def listening(port: int) -> bool:
    """Tell whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _choose(taken: Iterable[int]) -> int:
    tried = _CHANCE.sample(CHOICE, len(CHOICE))
    return next(port for port in tried if port not in set(taken) and free(port))

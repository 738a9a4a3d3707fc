"""
The services' ports: free ones on the loopback interface, chosen once and kept while they stay free.

Why: an address in a psql history or a Grafana source should still work tomorrow; and commands that start at the same moment, or while
another's server is down for a restart, must not choose the same port: one would fail, or worse, take the other's server for its own.
Must not: choose from the range that the system gives to outgoing connections: while a server restarts, a client that tries again
could be given the server's own port, connect to itself, and keep it.
"""

import atexit
import errno
import json
import os
import random
import socket
from collections.abc import Container, Iterable
from pathlib import Path

from deploy.embedded.errors import NoPortFree

__all__ = ["LOOPBACK", "free", "free_port", "listening", "ports_for", "release"]

LOOPBACK = "127.0.0.1"
CHOICE = range(20_000, 32_000)
"""Above the well-known services, below the outgoing ports of Linux (32768 and up)."""
LOWEST = 10_000
"""Where the search begins on a system that gives the ports of `CHOICE` to outgoing connections."""
ENOUGH = 1_000
"""With fewer ports than these outside the outgoing ones, `CHOICE` it is, and chance."""
OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_CHANCE = random.SystemRandom()
"""Nobody's seed: processes that were seeded alike would choose alike, at the same moment."""
_held: dict[int, tuple[Path | None, socket.socket]] = {}
"""The ports that are this process's own, for whom, and what tells all other commands of it."""


def ports_for(names: Iterable[str], kept: Path) -> dict[str, int]:
    """
    Return a port for each name, those of the file `kept` where they are free, and keep them there; raises `NoPortFree`.

    They are this process's own until it lets go of them by `release`, or ends.
    """
    known: dict[str, int] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for name in names:
        others = {port for other, port in known.items() if other != name}
        if name not in known or known[name] in others or not (_hold(known[name], kept) and free(known[name])):
            known[name] = _choose(kept, others)
    unfinished = kept.with_name(f"{kept.name}.new")
    unfinished.write_text(json.dumps(known), encoding="utf-8")
    unfinished.replace(kept)
    return known


def free_port() -> int:
    """Return a port that nobody listens on, held for this process until its end; raises `NoPortFree`."""
    return _choose(None, set())


def release(kept: Path | None) -> None:
    """Let go of the ports that are held for the ports' file `kept`: whoever starts there next may have them again."""
    for port in [port for port, (owner, _) in _held.items() if kept is not None and owner == kept]:
        _held.pop(port)[1].close()


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


def _choose(kept: Path | None, taken: Container[int]) -> int:
    choice = _choice()
    for port in _CHANCE.sample(choice, len(choice)):
        if port not in taken and port not in _held and free(port) and _hold(port, kept):
            return port
    raise NoPortFree(first=choice.start, last=choice.stop - 1)


def _choice() -> range:
    """Return the ports to choose from: none that the system may give to an outgoing connection, where that can be had."""
    try:
        lowest, highest = map(int, OUTGOING.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # another system
        return CHOICE
    if lowest >= CHOICE.stop or highest < CHOICE.start:
        return CHOICE
    longest = max(range(LOWEST, lowest), range(highest + 1, 65_536), key=len)
    return longest if len(longest) >= ENOUGH else CHOICE


def _hold(port: int, kept: Path | None) -> bool:
    """
    Have a port for the ports' file `kept`, also while its server is down; tell whether it could be had.

    What holds it is a name that the kernel gives to one socket at a time, on the whole machine, and takes back at the process's end,
    `kill -9` included: a file could be left behind.
    """
    if port in _held:
        return _held[port][0] == kept
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0muara-port-{port}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            name.close()
            return False  # else names cannot be had here: it is ours as far as we know
    _held[port] = (kept, name)
    return True


def _let_go() -> None:
    """Hold nothing any more: at the end, and in a forked child, which would hold on when its parent is long gone."""
    for _, name in _held.values():
        name.close()
    _held.clear()


atexit.register(_let_go)
os.register_at_fork(after_in_child=_let_go)

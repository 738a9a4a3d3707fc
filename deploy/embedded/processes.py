"""
Processes that outlive a killed owner: put on record by themselves, recognised for certain, ended in order.

Why: after `kill -9` of a command its servers live on, and the next start must end those and no others.
Must not: find a process by name, port or command line, or end one that is not on record: a number may have been given anew.
"""

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

__all__ = ["RECORD", "end_all", "end_left_behind", "recorded"]

KILL_S = 10
"""A killed process is gone at once, unless it waits for a disk."""
RECORD = "process"
"""The file in a server's folder that its process is recorded in."""
RECORDING = """
read -r stat < "/proc/$$/stat" && read -r boot < /proc/sys/kernel/random/boot_id && printf '%s\n%s\n' "$stat" "$boot" > "$0" && exec "$@"
"""
"""What the shell does before it becomes the program: it records itself, so that no moment is left in which a kill of the owner loses it."""


def recorded(folder: Path, line: list[str]) -> list[str]:
    """Return a command line that records itself in `folder` and then becomes `line`."""
    return ["/bin/sh", "-c", RECORDING, str(folder / RECORD), *line]


def end_left_behind(folder: Path, by: signal.Signals, limit_s: float) -> int | None:
    """End the server that a killed command has left in `folder`; return its process number, if there was one."""
    process = _left_behind(folder / RECORD)
    if process is None:
        return None
    _end(process, by, limit_s)
    return process.pid


def _left_behind(record: Path) -> psutil.Process | None:
    """Return the process on record if it still lives; the same number, start and boot make it the same process."""
    try:
        recorded, boot = record.read_text(encoding="utf-8").splitlines()
        pid, started = _identity(recorded)
        now = _identity(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
        this_boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        process = psutil.Process(pid) if (now, this_boot) == ((pid, started), boot) else None
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return process if process is not None and _lives(process) else None


def _end(process: psutil.Process, by: signal.Signals, limit_s: float) -> None:
    """Ask a process to end by a signal; after `limit_s` kill it and its children."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(by)
    if not _gone([process], limit_s):
        end_all(process)


def end_all(process: psutil.Process) -> None:
    """Kill a process and its children, and wait until all are gone."""
    with suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        _gone(family, KILL_S)


def _gone(family: list[psutil.Process], limit_s: float) -> bool:
    until = time.monotonic() + limit_s
    while any(map(_lives, family)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    """Tell whether a process still runs; a dead one that its parent has not taken note of does not, however long that lasts."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _identity(stat: str) -> tuple[int, int]:
    """Read number and start (in ticks since the boot) from a line of /proc/<pid>/stat, whose second field may hold anything."""
    return int(stat.split(" ", 1)[0]), int(stat.rpartition(")")[2].split()[19])

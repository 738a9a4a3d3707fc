"""
Child processes that live no longer than the thread that started them, whatever ends it, `kill -9` included.

Why: what outlives a killed command is on nobody's list, and goes on working beside whatever is started next.
Must not: tie a child between fork and exec (`preexec_fn` may hang in a process with threads): a small program ties itself, and then
becomes the command.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["end", "start"]

_END_S = 5.0
_TIE = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""What a child does first; one whose parent was gone by then ends. The kernel looks at the parent's *thread*, not at its process."""


def start(command: Sequence[str], environ: Mapping[str, str] | None = None, log: Path | None = None) -> "subprocess.Popen[bytes]":
    """
    Start a command as a child of this thread; with `log` it writes there, and Ctrl-C is not for it. Raises `OSError`.

    Elsewhere than on Linux a child may outlive its parent.
    """
    tied = [sys.executable, "-I", "-S", "-c", _TIE, str(os.getpid())] if sys.platform == "linux" else []
    line = [*tied, *command]
    if log is None:
        return subprocess.Popen(line, env=environ, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
    with log.open("ab") as out:
        return subprocess.Popen(line, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)  # noqa: S603


def end(processes: Sequence["subprocess.Popen[bytes]"], limit_s: float = _END_S) -> None:
    """Ask processes to end, and wait; after `limit_s`, or when interrupted, those that are left are killed."""
    until = time.monotonic() + limit_s
    try:
        for process in processes:
            process.terminate()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed below
                process.wait(max(0.0, until - time.monotonic()))
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()

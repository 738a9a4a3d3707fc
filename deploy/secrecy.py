"""
What keeps the secrets of this process its own: gone from its environment as others see it, from its children's, and from core dumps.

Why: the environment with which a process was started stays readable in /proc/PID/environ and by `ps e` however it changes later.
A handler to which the kernel pipes core dumps is not held by RLIMIT_CORE; a process that is not dumpable has none.
Must not: know what a secret is for, or show one. There is a moment between the start and this: a secret in a file has none.
"""

import ctypes
import logging
import os
import resource
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.settings import SECRETS
from producers.environment import Environment

__all__ = ["environment_for", "no_core_dumps", "seclude", "secluded"]

_log = logging.getLogger(__name__)
_PR_SET_DUMPABLE = 4
_taken: dict[str, str] = {}
"""What was taken out of the environment; the process has one environment, so there is one of these."""


def seclude(names: Iterable[str]) -> None:
    """
    Take variables out of the environment: for this process only `secluded` has them from now on.

    Their values are overwritten where the process was given them, which is what others see. Elsewhere than on Linux only children do not
    get them any more, which is logged.
    """
    present = [name for name in names if name in os.environ]
    if not present:
        return
    _taken.update({name: os.environ[name] for name in present})
    if sys.platform == "linux":
        _overwrite({os.fsencode(name) for name in present})
    else:
        _log.warning("secrets in the environment stay visible on this system: use files", extra={"action": "secrets_visible"})
    for name in present:
        del os.environ[name]


def secluded() -> Environment:
    """Return the environment with what was taken out of it."""
    values: Mapping[str, str] = {**os.environ, **_taken}
    return Environment(values)


def environment_for(region_file: Path) -> Environment:
    """Return the environment; the keys, and what a region file names, only this process has from now on, which leaves no core dump."""
    from producers.region_file import variables_of  # noqa: PLC0415 - 0.2 s, which only commands of an adapter need

    no_core_dumps()
    seclude({*SECRETS, *variables_of(region_file)})
    return secluded()


def no_core_dumps() -> None:
    """
    Let no core dump of this process be written, and no other process of the same user look into its memory.

    What is read of it by name and number, such as its state and its memory's size in /proc/PID/status, stays readable.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _overwrite(names: set[bytes]) -> None:
    """Overwrite values by zeros in C's own `environ`, whose strings lie where the kernel put them; a name may be there twice."""
    entries = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    number = 0
    while at := entries[number]:
        name, _, value = ctypes.string_at(at).partition(b"=")
        if name in names:
            ctypes.memset(at + len(name) + 1, 0, len(value))
        number += 1

"""
Whom PostgreSQL runs as: itself for an ordinary user, `nobody` for root, since PostgreSQL refuses to run as root.

Why: no system user has to be made, and no parent folder has to be opened to others.
Must not: change the mode of a folder that it did not make.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Account", "make_folder", "open_to_others", "open_tree", "unprivileged"]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, by number."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Return whom to become for PostgreSQL, or None where this process is not root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def open_to_others(path: Path) -> bool:
    """Tell whether any user may come as far as `path`, existing parts of it only."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents) if folder.is_dir())


def open_tree(folder: Path) -> None:
    """Let any user read what lies in a folder that we made, and run what its owner may run."""
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))


def make_folder(folder: Path, mode: int, account: Account | None = None) -> None:
    """Make a folder with exactly this mode, and its missing parents alike; one that is there stays as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent, 0o711)
    try:
        folder.mkdir()
    except FileExistsError:
        if folder.is_dir():  # another command has made it in this moment
            return
        raise
    folder.chmod(mode)
    if account is not None:
        os.chown(folder, account.uid, account.gid)

"""
Where the services' data lies: in the directory that was asked for, or, for root, where `nobody` can reach it.

Why: root's home is closed to others, and must stay closed.
Must not: touch data; who claims the folder (ownership.py) may.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.account import make_folder, open_to_others
from deploy.embedded.errors import FolderNotMade, FolderNotOurs

__all__ = ["Place", "found", "settle"]

ELSEWHERE = Path("/var/lib/muara")
"""Root's folder for data of directories that others cannot reach."""

LOCATION = "location"


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of the services, made and ours."""

    folder: Path
    abandoned: bool = False
    """Whether what it holds belonged to a directory of the same path that has been removed since."""


def settle(directory: Path) -> Place:
    """
    Make the services' folder of `directory` and return it.

    Where it lies elsewhere, `directory/services/location` says so; a folder elsewhere without that file is abandoned.
    Raises `FolderNotMade` or `FolderNotOurs`.
    """
    near = directory.absolute() / "services"
    try:
        if os.geteuid() != 0 or _reachable(near):
            (_ours(near) / LOCATION).unlink(missing_ok=True)
            return Place(near)
        far = ELSEWHERE / hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
        location = _ours(near) / LOCATION
        abandoned = far.is_dir() and not location.exists()
        location.write_text(f"{far}\n", encoding="utf-8")
        return Place(_ours(far), abandoned)
    except OSError as error:
        raise FolderNotMade(folder=near, why=error.strerror) from error


def found(directory: Path) -> Path:
    """Return the services' folder of `directory`, made or not."""
    near = directory.absolute() / "services"
    location = near / LOCATION
    return Path(location.read_text(encoding="utf-8").strip()) if location.exists() else near


def _reachable(near: Path) -> bool:
    home = Path.home().resolve()
    at_home = home != Path("/") and near.resolve().is_relative_to(home)
    return open_to_others(near) and not at_home


def _ours(folder: Path) -> Path:
    make_folder(folder, 0o711)
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise FolderNotOurs(folder=folder, owner=owner, user=os.geteuid())
    return folder

"""
A file to start a region from: commented, with everything that is still to be filled in visibly so.

Why: nobody learns a language by its reference; a file that is nearly right is changed in an hour.
Must not: guess what only the author knows.
"""

import re
from pathlib import Path

__all__ = ["starting_file", "variable_part"]

_TEMPLATES = Path(__file__).with_name("templates")
_LONGEST = 24


def starting_file(name: str, kind: str) -> str:
    """Return the text of a starting file for a kind of source."""
    text = (_TEMPLATES / f"{kind}.toml").read_text(encoding="utf-8")
    told = " ".join(name.split()).replace("\\", "").replace('"', "'")
    return text.replace("@NAME@", told).replace("@VARIABLE@", variable_part(name))


def variable_part(name: str) -> str:
    """
    Return the part of a name that stands in the names of a region's environment variables.

    >>> variable_part("Sumedang, e-Simpati"), variable_part("7")
    ('SUMEDANG_E_SIMPATI', 'REGION_7')
    """
    part = re.sub(r"[^A-Z0-9]+", "_", name.upper().encode("ascii", "ignore").decode()).strip("_")[:_LONGEST].strip("_")
    return part if part[:1].isalpha() else f"REGION_{part}".strip("_")

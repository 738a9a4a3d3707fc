"""
A certification played in a test: of any region file, moved to an invented regency that no other test has, in services that run.

Why: a course of certification wants topics that are new, and tests share their services.
Must not: judge; what must have held stands in the tests.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from deploy.certify.course import Certificate, certify
from deploy.embedded import EmbeddedServices, Silent

__all__ = ["certified"]

_regencies = (f"{province}.{number:02}" for province in (89, 57) for number in range(1, 100))
_PATIENCE_S = 10.0


def certified(region_file: Path, folder: Path, services: EmbeddedServices, only: Sequence[str], command: Sequence[str]) -> Certificate:
    """Return the certificate of a region file, moved to an invented regency of its own, or to two where it has several."""
    text = region_file.read_text(encoding="utf-8")
    moved = folder / region_file.name
    several = len(re.findall(r"[0-9]{2}\.[0-9]{2}", re.findall(r"regencies = \[.*\]", text)[0])) > 1
    regencies = [next(_regencies) for _ in range(2 if several else 1)]
    moved.write_text(re.sub(r"regencies = \[.*\]", f"regencies = {json.dumps(regencies)}", text), encoding="utf-8")
    return certify(moved, "digest", Silent(), lambda _: None, command, only, services, _PATIENCE_S)

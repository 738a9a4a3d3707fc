"""
The adapter of an invented Smart Kampung, on a region file that asks its source often.

Why: the source's database is of this bench's making, and the file must name its slot.
Must not: read what another run has read: that was of another database.
"""

import re
from pathlib import Path

from deploy.embedded import Addresses
from tests.bench.adapter import Adapter, Tell, emptied
from tests.producers.kampung import Kampung
from tests.producers.samples import KAMPUNG

__all__ = ["KampungAdapter"]

_POLL_S = 0.05
"""How often a source that has nothing more is asked: small, since the wait for it is no part of any figure."""


class KampungAdapter(Adapter):
    """One database's adapter; `made` is the database."""

    def __init__(self, where: Addresses, folder: Path, made: Kampung, tell: Tell) -> None:
        """Write the region file into an empty folder."""
        self.made = made
        regency = made.village[:5]
        text = re.sub(r"regencies = \[.*\]", f'regencies = ["{regency}"]', KAMPUNG.read_text(encoding="utf-8"))
        file = emptied(folder) / "kampung.toml"
        file.write_text(text.replace('slot = "muara"', f'slot = "{made.slot}"\npoll_s = {_POLL_S}'), encoding="utf-8")
        super().__init__(where, file, [regency], made.environ(), tell, f"postgres {folder.name}")

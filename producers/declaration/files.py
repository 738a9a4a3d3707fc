"""
Which folder of snapshots is read, and how its files are written.

Why: what differs from one export to the next is declared here.
Must not: open a file.
"""

import re
from typing import Literal

from pydantic import Field, model_validator

from producers.declaration.model import Model

__all__ = ["FilesSource"]


class FilesSource(Model):
    """A folder into which full snapshots are dropped: CSV, one file per village and month, by its name."""

    kind: Literal["files"]
    folder: str
    file_name: str
    """Such as `sddd_{village}_{period}_{exported}Z.csv`: period YYYYMM, exported YYYYMMDDThhmmssffffff in UTC."""
    columns: tuple[str, ...] = Field(min_length=1)
    encoding: str = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    poll_s: float = Field(2.0, gt=0, le=86_400)
    greatest_loss: float = Field(0.2, ge=0, le=1)
    """A snapshot that would end more than this share of its village is put aside whole."""
    greatest_mb: int = Field(64, ge=1, le=1024)
    """A larger file is put aside: a village's snapshot is a hundredth of it."""

    @model_validator(mode="after")
    def _named_parts(self) -> "FilesSource":
        if sorted(re.findall(r"\{(\w*)\}", self.file_name)) != ["exported", "period", "village"]:
            raise ValueError("file_name needs {village}, {period} and {exported}, each once")
        return self

"""
What one adapter process is told: addresses, where its file lies, its key.

Why: frozen and made at the edge, so that nothing else reads the environment.
Must not: show the key or the environment in a repr.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from producers.pseudonym import Pseudonyms

__all__ = ["AdapterSettings"]


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """Settings of an adapter beside its region file."""

    kafka: str
    """Bootstrap servers; a `schemas.addresses.Address` where TLS or credentials are wanted."""
    registry: str
    """URL of the schema registry, likewise."""
    state_directory: Path
    """Where the adapter's file lies, named for its source."""
    pseudonyms: Pseudonyms = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    """Fills the region file's placeholders and holds the secrets that it names."""
    keys_again: Callable[[], Pseudonyms] | None = field(default=None, repr=False)
    """Reads the keys again where they lie in files, which a person may mend while the adapter waits; raises as at the start."""
    is_area: Callable[[str], bool] | None = field(default=None, repr=False)
    """Tells whether six digits are those of a district; without it the areas of national identifiers are not looked at."""
    spool_bytes: int = 512 << 20
    """Events that wait beyond this stop reading; 512 MB are some two million changes."""
    poll_interval_s: float | None = None
    """Seconds between questions to a source that has nothing more; without it the region file's."""

    def state_file(self, source_id: str) -> Path:
        """Return the path of a source's state file."""
        return self.state_directory / f"{source_id}.sqlite"

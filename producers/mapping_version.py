"""
The version of a mapping and its fingerprint: what was said under a version was said by one mapping.

Why: of two statements the one by the greater version wins, so a mended mapping under an old number would lose against its faulty self.
Must not: judge a mapping.
"""

import hashlib
from pathlib import Path

from producers.checkpoint import StateFile
from producers.declaration import Declaration
from producers.faults import MappingChanged

__all__ = ["must_be_raised", "must_not_differ"]


def must_be_raised(state: StateFile, declared: Declaration, region_file: Path) -> None:
    """Refuse a mapping that was changed under a version that was used already, by `MappingChanged`; a new version is used from now on."""
    if not state.mapping_unchanged(declared.mapping_version, _fingerprint(declared)):
        raise MappingChanged(source=declared.source_id, version=declared.mapping_version, file=region_file.name)


def must_not_differ(state: StateFile, declared: Declaration, region_file: Path) -> None:
    """Refuse the same, and use nothing: for whoever only looks what a mapping would do."""
    found = state.connection.execute("select fingerprint from mapping where version = ?", (declared.mapping_version,)).fetchone()
    if found is not None and found[0] != _fingerprint(declared):
        raise MappingChanged(source=declared.source_id, version=declared.mapping_version, file=region_file.name)


def _fingerprint(declared: Declaration) -> str:
    # Without defaults: what the language learns later changes no mapping.
    told = f"{declared.source_id} {declared.mapping.model_dump_json(exclude_defaults=True)}"
    return hashlib.sha256(told.encode()).hexdigest()

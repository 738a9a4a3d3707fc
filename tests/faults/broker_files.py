"""
The files in which the broker keeps records, damaged and cut: what a failing disk or an unclean election leaves behind.

Why: such faults cannot be asked for by any protocol.
Must not: touch files of any broker but the tests' own.
"""

from pathlib import Path

from deploy.embedded import EmbeddedServices

__all__ = ["cut_off_the_end", "damage_the_end", "log_of"]


def log_of(services: EmbeddedServices, topic: str) -> Path:
    """Return the file in which the broker keeps the records of a topic's only partition."""
    assert services.folder is not None
    (file,) = (services.folder / "kafka" / "data" / f"{topic}-0").glob("*.log")
    return file


def damage_the_end(file: Path) -> None:
    """Flip the bits of a file's last byte but one, which lies in the last record."""
    with file.open("r+b") as log:
        log.seek(-2, 2)
        (byte,) = log.read(1)
        log.seek(-2, 2)
        log.write(bytes([byte ^ 0xFF]))


def cut_off_the_end(file: Path, batches: int) -> None:
    """Cut the last record batches off a file; the broker must not run meanwhile."""
    raw, at, begins = file.read_bytes(), 0, []
    while at + 12 <= len(raw) and (length := int.from_bytes(raw[at + 8 : at + 12], "big")):
        begins.append(at)
        at += 12 + length
    with file.open("r+b") as log:
        log.truncate(begins[-batches])

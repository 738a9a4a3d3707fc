"""
The greatest resident memory of a process, as the kernel has counted it since the process began its own program.

Why: getrusage counts what a child had before it began, when it still was a copy of its parent: after a large parent it measures nothing.
Must not: be asked where there is no /proc.
"""

from pathlib import Path

__all__ = ["peak_mb"]


def peak_mb(process: int | str = "self") -> float:
    """Return the peak of a process that runs, by its id or of this one, in MB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return max((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), default=0.0)

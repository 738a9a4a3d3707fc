"""
How downloads and starts are shown: bars on a terminal, plain lines elsewhere, or nothing.

Why: the first start fetches 200 MB, and a silent minute looks like a fault.
Must not: decide anything; a run without progress does the same.
"""

import sys
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

__all__ = ["Bars", "Lines", "Progress", "Silent", "progress_for"]


class Progress(Protocol):
    """Where a start tells how far it is; a context, so that a display can be taken down."""

    def __enter__(self) -> Self:
        """Put the display up."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the display down."""

    def expect(self, what: str, size: int) -> None:
        """Announce a download of so many bytes."""

    def arrived(self, what: str, size: int) -> None:
        """Count bytes that have come; negative where they must come again."""

    def say(self, line: str) -> None:
        """Tell one thing that has happened."""


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Put nothing up."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take nothing down."""

    def expect(self, what: str, size: int) -> None:
        """Ignore it."""

    def arrived(self, what: str, size: int) -> None:
        """Ignore it."""

    def say(self, line: str) -> None:
        """Ignore it."""


class Lines(Silent):
    """Plain lines for a log: a line when a download begins and when it is complete."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, else to standard error."""
        self._stream = stream
        self._left: dict[str, int] = {}

    def expect(self, what: str, size: int) -> None:
        """Say what is fetched, and how much."""
        self._left[what] = size
        self.say(f"fetching {what} ({size / 1e6:.0f} MB)")

    def arrived(self, what: str, size: int) -> None:
        """Say when nothing is left to come."""
        self._left[what] -= size
        if self._left[what] == 0:
            self.say(f"fetched {what}")

    def say(self, line: str) -> None:
        """Write the line at once."""
        print(line, file=self._stream or sys.stderr, flush=True)


class Bars:
    """One bar for each download, all in one display, and lines above them."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`."""
        self._bars = RichProgress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=console, transient=True
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Put the display up."""
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the display down."""
        self._bars.stop()

    def expect(self, what: str, size: int) -> None:
        """Add a bar."""
        self._tasks[what] = self._bars.add_task(what, total=size)

    def arrived(self, what: str, size: int) -> None:
        """Move the bar."""
        self._bars.advance(self._tasks[what], size)

    def say(self, line: str) -> None:
        """Print the line above the bars."""
        self._bars.console.print(line, highlight=False, markup=False)


def progress_for(stream: TextIO) -> Progress:
    """Choose bars for a terminal and plain lines for anything else."""
    return Bars(Console(file=stream)) if stream.isatty() else Lines(stream)

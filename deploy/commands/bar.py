"""
The bar that shows how far a command is.

Why: who waits for minutes wants to see that something moves; a file or a pipe is told only what came of it.
Must not: print to standard output, which belongs to the result.
"""

import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.commands.context import console_for

__all__ = ["Shown", "Steps"]


class Shown:
    """A bar on standard error where that is a terminal, from the first progress on; `shown(done, of)`."""

    def __init__(self, what: str) -> None:
        """Show nothing yet: a bar that ends without a terminal leaves an empty line."""
        self._console = console_for(sys.stderr)
        self._bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.stop()

    def __call__(self, done: int, of: int) -> None:
        """Show how many of how many are done; `of` is 0 where that cannot be told."""
        if not self._console.is_terminal:
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("", total=of or None)
        self._bar.update(self._task, completed=done, total=of or None)

    def stop(self) -> None:
        """Take the bar away; what is printed comes after it."""
        if self._task is not None:
            self._bar.stop()
        self._task = None


class Steps:
    """A bar for each step of a command, one after the other; `steps(step, done, of)`."""

    def __init__(self, lines: Console | None = None) -> None:
        """Show nothing yet; in `lines`, where that is no terminal, each step that begins is a line."""
        self._lines = lines if lines is not None and not lines.is_terminal else None
        self._step, self._shown = "", Shown("")

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._shown.stop()

    def __call__(self, step: str, done: int, of: int) -> None:
        """Show how much of how much of a step is done; of a step that cannot tell, `of` is 0."""
        if step != self._step:
            self._shown.stop()
            self._step, self._shown = step, Shown(step)
            if self._lines is not None:
                self._lines.print(step)
        self._shown(done, of)

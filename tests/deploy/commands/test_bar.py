"""The bars that show how far a command is: one for each step on a terminal, nothing in a file."""

from io import StringIO

import pytest
from rich.console import Console

from deploy.commands import bar


@pytest.mark.parametrize("terminal", [True, False])
def test_each_step_has_its_bar_where_somebody_looks(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that cannot tell how much it is says so; whoever reads a file is told only what came of it."""
    out = StringIO()
    monkeypatch.setattr(bar, "console_for", lambda _: Console(file=out, force_terminal=terminal, width=100))

    with bar.Steps() as steps:
        for step, done, of in (("recompute", 0, 4), ("recompute", 4, 4), ("compare cells", 0, 0), ("compare indicators", 2, 6)):
            steps(step, done, of)

    said = out.getvalue()
    assert [text in said for text in ("recompute", "4/4", "compare cells", "0/?", "compare indicators", "2/6")] == [terminal] * 6
    assert bool(said) == terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_who_reads_a_file_may_be_told_the_steps_as_lines(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, when it begins; on a terminal the bar says it."""
    out = StringIO()
    monkeypatch.setattr(bar, "console_for", lambda _: Console(file=StringIO(), force_terminal=terminal))

    with bar.Steps(lines=Console(file=out, force_terminal=terminal)) as steps:
        for step, done in (("replay", 0), ("replay", 4), ("compare", 0)):
            steps(step, done, 4)

    assert out.getvalue() == ("" if terminal else "replay\ncompare\n")

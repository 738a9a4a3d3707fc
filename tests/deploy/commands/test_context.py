"""Tables are for a terminal as wide as it is, and for programs a line per row."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from deploy.commands.context import console_for

NAME, MESSAGE = "Kabupaten Administrasi Kepulauan Seribu", "village [of household] is not known: " + "load its region first, or " * 12


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def table() -> Table:
    """Return a table that is wider than terminals are."""
    made = Table("name", "message", box=None)
    made.add_row(NAME, MESSAGE)
    return made


def test_a_row_is_a_line_where_there_is_no_terminal() -> None:
    """However long a name or a message is, its row is one line with every word as it was said, brackets too."""
    out = io.StringIO()

    console_for(out).print(table())

    assert [line.rstrip() for line in out.getvalue().splitlines()[1:]] == [f" {NAME}  {MESSAGE.rstrip()}"]


def test_a_table_is_no_wider_than_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal what is too long goes on below."""
    monkeypatch.setenv("COLUMNS", "60")
    out = Terminal()

    console_for(out).print(table())

    assert {Text.from_ansi(line).cell_len for line in out.getvalue().splitlines()} == {60}

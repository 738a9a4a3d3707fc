"""Tables are for a terminal as wide as it is, and for programs a line per row."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from deploy.commands.context import NoServices, addresses, console_for
from deploy.embedded import Addresses
from deploy.settings import Settings

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


@pytest.mark.parametrize(
    ("run", "found"),
    [([".muara"], ".muara"), ([".muara/demo"], ".muara/demo"), ([".muara", ".muara/demo"], ".muara")],
)
def test_services_are_found(run: list[str], found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services of `muara up` in this folder are meant, and where only a demo plays, its own."""
    at = {folder: Addresses(folder, folder, folder) for folder in run}
    monkeypatch.setattr("deploy.commands.context.running", lambda directory: at.get(str(directory)))

    assert addresses(Settings.from_environ({})) == at[found]
    assert addresses(Settings.from_environ({"MUARA_KAFKA": "a:1"})) == Addresses("a:1", found, found)


def test_no_services_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing runs, the line says what to do."""
    monkeypatch.setattr("deploy.commands.context.running", lambda _: None)

    with pytest.raises(NoServices, match=r"no services run for /.*/\.muara: run muara up in another terminal, or set MUARA_KAFKA"):
        addresses(Settings.from_environ({}))

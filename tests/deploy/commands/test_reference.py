"""`muara regions load`, `lines load`, `sources load`: what is loaded, what is left out, and what a person is told."""

import pytest

from deploy.commands.reference import _Shown
from tests.deploy.commands.conftest import Said


def test_a_load_says_one_line(say: Said) -> None:
    """Where there is no terminal, a load prints what it did and nothing else: no bar, no empty line."""
    shown = say("regions", "load", "--province", "31")

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == "reference version 2: 319 regions changed, 0 households recomputed\n"


def test_the_bar_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal, recomputed households show no bar either, and leave no empty line."""
    with _Shown("households recomputed") as shown:
        shown(1, 2)
        shown(2, 2)

    assert capsys.readouterr() == ("", "")

"""What a person sees of downloads and starts."""

import io

import pytest
from rich.console import Console

from deploy.embedded import Bars, Lines, Progress, progress_for


def fetch_two(progress: Progress) -> None:
    """Show two downloads, one of them in part twice."""
    with progress as shown:
        shown.expect("Kafka", 45_000_000)
        shown.expect("Registry", 159_000_000)
        shown.arrived("Kafka", 45_000_000)
        shown.arrived("Registry", 100)
        shown.arrived("Registry", -100)
        shown.arrived("Registry", 159_000_000)
        shown.say("Kafka is ready [at last]")


def test_plain_lines() -> None:
    """Where there is no terminal, each download is a line when it begins and one when it is complete."""
    out = io.StringIO()

    fetch_two(progress_for(out))

    assert out.getvalue().splitlines() == [
        "fetching Kafka (45 MB)",
        "fetching Registry (159 MB)",
        "fetched Kafka",
        "fetched Registry",
        "Kafka is ready [at last]",
    ]


def test_bars() -> None:
    """On a terminal all downloads are bars of one display, and lines are printed as they are."""
    out = io.StringIO()

    fetch_two(Bars(Console(file=out, force_terminal=True, width=120)))

    shown = out.getvalue()
    assert "Kafka is ready [at last]" in shown
    assert "Registry" in shown
    assert "159.0/159.0 MB" in shown


def test_default_stream(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines go to standard error unless told otherwise."""
    Lines().say("Kafka is ready")

    assert capsys.readouterr() == ("", "Kafka is ready\n")

"""The live view: what moves in a region is what moves in its regencies, and numbers are whole at every width."""

from datetime import date

import pytest
from rich.console import Console

from deploy.demo.live import Pace, board, pace
from deploy.demo.run import Flow
from processors.indicators.catalogue import MEASURES
from processors.store.figures import Figure

BEFORE = {"31.71": Flow(100, 0), "31.72": Flow(50, 0), "51.01": Flow(10, 9)}
NOW = {"31.71": Flow(140, 3), "31.72": Flow(50, 0), "51.01": Flow(20, 7)}


@pytest.mark.parametrize(
    ("region", "moves"),
    [
        ("31.71", Pace(20.0, 3, 1.5)),
        ("31.72", Pace(0.0, 0, None)),
        ("31", Pace(20.0, 3, 1.5)),
        ("51", Pace(5.0, 7, 0.5)),
        ("ID", Pace(25.0, 10, 0.5)),
    ],
)
def test_a_region_moves_as_its_regencies_do(region: str, moves: Pace) -> None:
    """Changes and lag add up, and the newest change of a region is the newest of any of its regencies."""
    assert pace(region, BEFORE, NOW, 2.0, {"31.71": 1.5, "51.01": 0.5}) == moves


def test_a_regency_seen_for_the_first_time_has_no_pace_yet() -> None:
    """What was merged before the first look did not happen in this second."""
    assert pace("31.71", {}, NOW, 1.0, {}).per_s == 0.0


@pytest.mark.parametrize("width", [80, 200])
def test_numbers_are_whole_at_every_width(width: int) -> None:
    """Where it is narrow the name is cut, and nothing else."""
    sums = tuple(98_765 for _ in MEASURES)
    row = Figure("31.74", "Kota Administrasi Jakarta Selatan", "regency", "all", date(2024, 3, 1), sums)
    console = Console(width=width, record=True, file=None)

    with console.capture() as shown:
        console.print(board([row], {"31.74": Pace(1_250.0, 4_321, 75.0)}))

    line = shown.get().splitlines()[-1]
    assert all(part in line for part in ("31.74", "98,765", "1,250", "4,321", "1 m"))
    assert ("Jakarta Selatan" in line) == (width == 200)

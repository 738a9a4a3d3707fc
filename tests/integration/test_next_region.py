"""A region more: one file, the commands of the README, and its figures are there; no line of code is touched."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from deploy.embedded import EmbeddedServices
from deploy.supervisor import muara
from tests.integration.stage import until

FILE = Path(__file__).parent / "regions" / "kota-yogyakarta.toml"
LINE = 628_626
"""Rupiah per head and month: the urban line of DI Yogyakarta from March 2024 on, as the product brings it."""
MARCH = (
    ("34.71.01.1001", 2, "800.000", "400.000"),
    ("34.71.01.1001", 4, "3.000.000", "2.000.000"),
    ("34.71.01.1002", 4, "700.000", "100.000"),
)
"""Households as the city exports them: village, people, rupiah for food and for the rest. The first and the last are poor."""
_NUMBERS = count(1)


class City:
    """The city's folder, the office's database, and the command line between them."""

    def __init__(self, services: EmbeddedServices, base: Path) -> None:
        """Make a database and a folder."""
        where = services.addresses
        name = f"next_region_{os.getpid()}_{next(_NUMBERS)}"
        with psycopg.connect(where.database, autocommit=True) as server:
            server.execute(f"create database {name}")
        self.base, self.folder = base, base / "jss"
        self.folder.mkdir()
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "MUARA_KAFKA": where.kafka,
            "MUARA_REGISTRY": where.registry,
            "MUARA_DATABASE": make_conninfo(where.database, dbname=name),
            "MUARA_DIRECTORY": str(base / "muara"),
            "MUARA_JSS_FOLDER": str(self.folder),
            "MUARA_PSEUDONYM_KEY": "99" * 32,
        }

    def does(self, *arguments: str) -> str:
        """Run a command to its end and return what it prints; it must succeed."""
        done = subprocess.run(muara(*arguments), env=self._environ, cwd=self.base, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def doing(self, *arguments: str) -> Iterator[None]:
        """Run a command in the meantime; told to end it ends well."""
        with (self.base / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(muara(*arguments), env=self._environ, cwd=self.base, stdout=log, stderr=log)  # noqa: S603
        try:
            yield
            assert process.poll() is None, f"{arguments} has ended by itself"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()

    def exports(self, village: str, exported: str, *rows: str) -> None:
        """Write a village's file, whole at once."""
        path = self.folder / f"jss_{village}_202403_{exported}Z.csv"
        path.with_suffix(".part").write_text("kartu;jiwa;makanan;lainnya;cara;status;luas\n" + "".join(f"{row}\n" for row in rows))
        path.with_suffix(".part").rename(path)

    def figures(self, region: str) -> Mapping[str, Any]:
        """Return the figures of a region's March, none where there are none yet."""
        told = self.does("indicators", "--region", region, "--month", "2024-03", "--urbanisation", "all", "--format", "json")
        return next(iter(json.loads(told)), {})


@pytest.fixture
def city(services: EmbeddedServices, tmp_path: Path) -> City:
    """A city whose regency has regions, lines, a source and its topic, as the README says."""
    made = City(services, tmp_path)
    (tmp_path / "sources.csv").write_text("region,source,rank\n34.71,jss,1\n")
    made.does("regions", "load", "--province", "34.71")
    made.does("lines", "load")
    made.does("sources", "load", "sources.csv")
    return made


def test_a_region_more_is_one_file_of_at_most_60_lines(city: City) -> None:
    """A fifth region, a city that no line of the product knows as a source, is one file; a while later its figures are there, and exact."""
    assert len(FILE.read_text().splitlines()) <= 60
    assert "34.71" not in "".join(path.read_text() for path in (Path(__file__).parents[2] / "producers" / "regions").glob("*.toml"))
    city.does("adapter", "check", str(FILE))

    with ExitStack() as running:
        for command in (["worker"], ["publish"], ["adapter", "run", str(FILE)]):
            running.enter_context(city.doing(*command))
        for village in ("34.71.01.1001", "34.71.01.1002"):
            rows = [
                f"9901010101200{number:03};{people};{food};{rest};Ditanya;Sewa;36"
                for number, (place, people, food, rest) in enumerate(MARCH, 1)
                if place == village
            ]
            city.exports(village, "20240402T101500000000", *rows)
        until(lambda: city.figures("34.71").get("households") == len(MARCH), 90, lambda: city.figures("34.71"))
        nation = city.figures("ID")
        figures = city.figures("34.71")

    poor = [Fraction(1_200_000, 2), Fraction(800_000, 4)]
    people = (2, 4)
    gap = sum((LINE - each) / LINE * size for each, size in zip(poor, people, strict=True)) / 10
    assert (figures["people"], figures["poor_people"]) == (10, 6)
    assert figures["p0"] == pytest.approx(0.6, abs=1e-12)
    assert figures["p1"] == pytest.approx(float(gap), abs=1e-6)
    assert nation == {**figures, "region": "ID", "region_name": "Indonesia", "level": "nation"}
    city.does("verify")
    city.does("adapter", "receipt", str(FILE))

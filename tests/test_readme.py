"""The README keeps up with the product: its links lead somewhere, its commands and settings exist."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from deploy.cli import app
from deploy.settings import _OF_OTHERS, Settings
from processors.indicators.catalogue import INDICATORS, MEASURES
from processors.repair.repair_file import read_repair_file
from producers.repair.repair_file import read_mending
from schemas.events import IndicatorPublished

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_leads_to_a_file() -> None:
    """Every relative link of the README leads to a file of the project."""
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_is_described() -> None:
    """Every command and group of the command line stands in the README."""
    names = [command.callback.__name__ for command in app.registered_commands if command.callback]
    names += [group.name for group in app.registered_groups if group.name]

    assert [name for name in names if f"`muara {name}" not in README and f"`{name} " not in README] == []


def _command(words: Iterable[str]) -> tuple[Any, list[str]]:
    """Return the command that words begin with, and the words behind its name."""
    at: Any = typer.main.get_command(app)
    left = [word for word in words if word != "..."]
    while left and left[0] in getattr(at, "commands", {}):
        at = at.commands[left.pop(0)]
    return at, left


def _options(command: Any) -> set[str]:
    """Return the options of a command, or of all commands of a group."""
    inner = (_options(one) for one in getattr(command, "commands", {}).values())
    return {"--help"}.union(*inner, *((*one.opts, *one.secondary_opts) for one in command.params))


def test_every_command_line_can_be_typed() -> None:
    """Every `muara ...` of the README, in text or in a block, is a command, and has the options that stand with it."""
    lines = re.findall(r"`muara ([^`]+)`", README) + re.findall(r"^\.venv/bin/muara ([^#\n]+)", README, re.MULTILINE)
    found = [(line, *_command(line.replace("\\|", "|").split())) for line in lines]

    assert len(found) > 40
    assert [line for line, command, left in found if left == line.split()] == []
    asked = [(line, command, set(re.findall(r"--[a-z-]+", " ".join(left)))) for line, command, left in found]
    assert [(line, sorted(options - _options(command))) for line, command, options in asked if options - _options(command)] == []


def test_every_option_of_the_table_is_one() -> None:
    """An option that stands by itself in a row of the table of commands is one of a command of that row."""
    rows = README.split("## What there is")[1].split("\n\n")[1].splitlines()[2:]
    assert len(rows) > 15
    for row in rows:
        names = re.findall(r"`([^`]+)`", row.split("|")[1])
        first = names[0].split()
        commands = [_command(first[1:])[0], *(_command([*first[1:-1], *name.split()])[0] for name in names[1:])]
        commands += [_command(name.split())[0] for name in names[1:]]
        known = set().union(*map(_options, commands))
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", row)) - known == set(), row


def test_every_setting_is_described() -> None:
    """Every environment variable of the settings stands in the README."""
    names = [*(f"MUARA_{name.upper()}" for name in Settings.model_fields), *_OF_OTHERS]

    assert [name for name in names if f"`{name}`" not in README] == []


def test_the_order_of_a_start_is_told() -> None:
    """Whoever adds a region is told what must run before, and in which order."""
    section = README.split("## Add a region")[1].split("\n## ")[0]
    office = ["muara up", "regions load", "lines load", "muara worker", "muara publish"]
    order = [*office, "adapter new", "adapter check", "adapter certify", "sources load", "adapter run", "adapter resend"]

    places = [section.find(f"`{step}") if step.startswith("muara") else section.find(step) for step in order]
    assert places == sorted(places)
    assert -1 not in places


def test_the_repair_file_is_one() -> None:
    """The repair file of the README can be read as it stands."""
    (text,) = re.findall(r"```toml\n(.*?)```", README.split("## When events are rejected")[1].split("\n## ")[0], re.DOTALL)

    assert read_repair_file("README.toml", text.encode()).set[0].operations == ("table",)


def test_the_regions_repair_file_is_one(tmp_path: Path) -> None:
    """So can the one of a region, laid over the product's region file of the village services."""
    (text,) = re.findall(r"```toml\n(.*?)```", README.split("## Repair in a region")[1].split("\n## ")[0], re.DOTALL)
    file = tmp_path / "README.toml"
    file.write_text(text, encoding="utf-8")
    found = read_mending(file, ROOT / "producers" / "regions" / "sumedang-desa.toml", {})

    assert found.match.field == ("members.sex",)
    assert found.declared.mapping.members is not None
    assert found.declared.mapping.members.sex is not None
    assert found.declared.mapping.members.sex.table == {"L": 1, "P": 2, "X": 2}


def test_the_two_commands_exist() -> None:
    """The README's two commands are targets of the Makefile, and what lands is decided by the second one."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert "make demo " in README
    assert "\ndemo:" in makefile
    assert "\ntest:" in makefile
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"] == {"muara": "deploy.cli:main"}


def test_the_catalogue_is_published_whole() -> None:
    """Every indicator of the catalogue has its field in the published event."""
    fields = set(IndicatorPublished.__dataclass_fields__)
    renamed = {
        "mean_expenditure": "mean_expenditure_rupiah_per_person_month",
        "modelled_share": "modelled_ratio",
        "income_gap_ratio": "income_gap_ratio",
    }

    assert {renamed.get(one.name, f"{one.name}_ratio") for one in INDICATORS} <= fields
    assert {one.name for one in MEASURES} - {"poverty_gap", "poverty_severity", "log_gap", "rupiah_gap", "expenditure"} <= fields

"""
What tests of repairs share: events with one fault, the command line over a stage, and what is held before and after.

Why: the same few faults are repaired in many ways.
Must not: look into the product where its command line says the same.
"""

import json
import os
from contextlib import closing, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from confluent_kafka import Consumer, TopicPartition

from deploy import cli
from deploy.settings import Settings
from processors.store.figures import figures
from producers.rereading import watermarks
from schemas.events import HouseholdChanged, Residence
from schemas.topics import household_topic
from tests.deploy.test_cli import muara
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.processors.store.office import fold_all

_ROOT = Path(__file__).parents[2]
SIGNED = ("--yes", "--by", "OFFICER 01", "--reason", "the village was split")


def said(stage: Stage, name: object, **more: Any) -> HouseholdChanged:
    """Return a change of the first regency, in order but for what is named."""
    regency = stage.regencies[0]
    return changed(household_key(name), regency, **{"village": f"{regency}.01.1001", "size": 3, "expenditure": 900_000, **more})


def wrong_village(stage: Stage, name: str, **more: Any) -> HouseholdChanged:
    """Return a change that speaks of a village that is not there."""
    return said(stage, name, village=f"{stage.regencies[0]}.01.9999", **more)


def right(stage: Stage, event: HouseholdChanged) -> HouseholdChanged:
    """Return what that change is once the file of `villages` has repaired it."""
    return replace(event, residence=Residence(f"{stage.regencies[0]}.01.2001"))


def villages(stage: Stage, folder: Path) -> str:
    """Write a repair file that knows that village, and return its path."""
    regency = stage.regencies[0]
    file = folder / "villages.toml"
    file.write_text(
        f'[match]\ncause = "village_unknown"\nfield = "residence.village"\nregency = "{regency}"\nvalue = "{regency}.01.9999"\n'
        f'[[set]]\nfield = "residence.village"\ntable = {{"{regency}.01.9999" = "{regency}.01.2001"}}\n',
        encoding="utf-8",
    )
    return str(file)


def say(stage: Stage, folder: Path, *arguments: str) -> str:
    """Run `muara rejected` over a stage, and return what it prints."""
    done = muara("rejected", *arguments, cwd=folder, **environ(stage))
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def environ(stage: Stage) -> dict[str, str]:
    """Return the addresses of a stage as a command's environment has them."""
    return {"MUARA_KAFKA": stage.kafka, "MUARA_REGISTRY": stage.registry, "MUARA_DATABASE": stage.database}


def told(stage: Stage, folder: Path, *arguments: str) -> Any:
    """Return what `muara rejected` says in JSON, run in this process: every command is called many times here."""
    where = environ(stage)
    with (
        mock.patch.dict(os.environ, where),
        mock.patch("deploy.commands.rejected.settings", return_value=Settings.from_environ(where)),  # else log lines go elsewhere, too
        redirect_stdout(StringIO()) as out,
    ):
        cli.app(["rejected", *arguments, "--format", "json"], standalone_mode=False)
    return json.loads(out.getvalue())


def sums(stage: Stage) -> dict[str, Any]:
    """Return all regencies' figures, folded, by region and month."""
    fold_all(stage.database)
    with stage.connect() as conn:
        found = figures(conn, level="regency", urbanisation="all")
    return {f"{one.region} {one.month:%Y-%m}": one.as_dict() for one in found}


def stands(found: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that hold in a figure's region and month: the latest up to it."""
    place = max(place for place in found if place.split()[0] == one["region"] and place <= f"{one['region']} {one['month']}")
    return {name: one["month"] if name == "month" else value for name, value in found[place].items() if name != "line_is_stale"}


def rows(stage: Stage, query: str) -> list[Any]:
    """Return what a query finds."""
    with stage.connect() as conn:
        return conn.execute(query.encode()).fetchall()


def records(stage: Stage, begin: int = 0) -> list[tuple[bytes | None, bytes | None]]:
    """Return key and value of the records of the first regency's topic."""
    topic = household_topic(stage.regencies[0])
    with closing(Consumer({"bootstrap.servers": stage.kafka, "group.id": "nobody", "log_level": 0})) as reader:
        end = watermarks(reader, TopicPartition(topic, 0))[1]
        reader.assign([TopicPartition(topic, 0, begin)])
        found: list[tuple[bytes | None, bytes | None]] = []
        while len(found) < end - begin:
            found += [(one.key(), one.value()) for one in reader.consume(100, 1.0) if one.error() is None]
    return found


def send_faulty(stage: Stage, *events: HouseholdChanged) -> None:
    """Send events that will be rejected, so that nothing of them must stand."""
    stage.send(events, noted=False)

"""The command `muara worker`, alone, as an operator starts it: it begins anew where it must, and hides nothing else."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import EmbeddedServices
from deploy.supervisor import muara
from processors.app import EXIT_FAILED
from schemas.topics import household_topic
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until

ROOT = Path(__file__).parents[2]
REGIONS = """code,bps_code,name,level,parent,urbanisation
57,,PROVINCE 57,province,ID,
{new},,REGENCY {new},regency,57,
{new}.01,,DISTRICT {new}.01,district,{new},
{new}.01.1001,,VILLAGE ONE,village,{new}.01,urban
"""
BEGAN = "partitions taken over"


@dataclass(frozen=True)
class Shell:
    """A folder and an environment in which commands run, as a terminal has them."""

    stage: Stage
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment: the stage's addresses."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
        where = {"MUARA_KAFKA": self.stage.kafka, "MUARA_REGISTRY": self.stage.registry, "MUARA_DATABASE": self.stage.database}
        return {**clean, **where, "PYTHONPATH": str(ROOT)}

    def does(self, *arguments: str) -> str:
        """Run a command to its end and return what it prints; it must succeed."""
        done = subprocess.run(muara(*arguments), env=self.environ, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> tuple[int, str, dict[str, Any]]:
        """Return the exit code of `muara status`, the state of the stage's first regency, and everything by name."""
        done = subprocess.run(  # noqa: S603
            muara("status", "--json"), env=self.environ, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, next(one["state"] for one in found["partitions"] if one["topic"] == self.topic), found

    @property
    def topic(self) -> str:
        """Return the topic of the stage's first regency."""
        return household_topic(self.stage.regencies[0])

    def told(self) -> str:
        """Return what the worker has logged."""
        return (self.folder / "worker.log").read_text()

    @contextmanager
    def worker(self, *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
        """Run `muara worker` under nobody's supervision; a failing test shows its log."""
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(muara("worker", *arguments), env=self.environ, cwd=self.folder, stdout=log, stderr=log)  # noqa: S603
        try:
            yield process
        except BaseException:
            print(self.told())  # noqa: T201 - pytest shows it beside the failure
            raise
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def shell(services: EmbeddedServices, tmp_path: Path) -> Shell:
    """A stage with one regency, and a folder of its own."""
    return Shell(Stage.set(services, 1), tmp_path)


@pytest.mark.parametrize(("new", "number"), [("57.01", signal.SIGTERM), ("57.02", signal.SIGINT)])
def test_a_plain_worker_picks_up_a_regency_that_is_registered(shell: Shell, new: str, number: signal.Signals) -> None:
    """Nobody starts it again: the same process reads the new topic, and still ends in order when it is told to."""
    stage, (first,) = shell.stage, shell.stage.regencies
    (shell.folder / "regions.csv").write_text(REGIONS.format(new=new))
    (shell.folder / "sources.csv").write_text(f"region,source,rank\n{new},carik,1\n")
    with shell.worker() as process:
        stage.send([changed(household_key(1), first, village=f"{first}.01.1001", size=1)])
        stage.drained()
        shell.does("regions", "load", "regions.csv")
        shell.does("sources", "load", "sources.csv")
        stage.regencies.append(new)
        stage.send([changed(household_key(2), new, village=f"{new}.01.1001", size=2)])
        stage.drained(30)
        stage.send([changed(household_key(3), first, village=f"{first}.01.1001", size=3)])
        stage.drained(10)

        assert process.poll() is None
        assert "starting over" in shell.told()
        process.send_signal(number)
        assert process.wait(10) == 0
    stage.assert_exact()


def test_a_plain_worker_that_fails_ends_and_says_so(shell: Shell) -> None:
    """What nobody foresaw is no reason to begin anew: the process ends with a code of its own, and the cause is in its log."""
    stage, (code,) = shell.stage, shell.stage.regencies
    with shell.worker() as process:
        until(lambda: BEGAN in shell.told(), 30)
        with stage.connect() as connection:
            connection.execute("drop table cell_change")
        stage.send([changed(household_key(1), code, village=f"{code}.01.1001", size=1, expenditure=700_000)])

        assert process.wait(20) == EXIT_FAILED
        assert "UndefinedTable" in shell.told()
        assert "starting over" not in shell.told()


def test_a_worker_that_begins_anew_waits_for_the_database(services: EmbeddedServices, shell: Shell) -> None:
    """A database that is away just then ends no worker, since nobody would start it; by hand it is an error of use."""
    stage, (code,) = shell.stage, shell.stage.regencies
    stage.send([changed(household_key(1), code, village=f"{code}.01.1001", size=1)])
    services.postgres.kill()
    try:
        with shell.worker() as by_hand:
            assert by_hand.wait(20) == 2
        with shell.worker("--anew") as process:
            until(lambda: "waiting: the database cannot be used" in shell.told(), 20)
            services.postgres.start()
            stage.drained(30)
            assert process.poll() is None
    finally:
        if not services.postgres.running:
            services.postgres.start()
    stage.assert_exact()


def test_status_tells_what_a_worker_waits_for(services: EmbeddedServices, shell: Shell) -> None:
    """While the registry is away, while reference data is loaded, while all is well, and once nobody reads."""
    stage, (code,) = shell.stage, shell.stage.regencies
    stage.send([changed(household_key(1), code, village=f"{code}.01.1001", size=1)])
    services.registry.stop()
    try:
        with shell.worker() as process:
            until(lambda: shell.status()[1].startswith("waits: the schema registry at "), 40, shell.status)
            away = shell.status()
            services.registry.start()
            stage.drained()
            well = shell.status()
            with stage.connect() as load, load.transaction():
                load.execute("lock table reference_version in exclusive mode")
                stage.send([changed(household_key(2), code, village=f"{code}.01.1001", size=1)])
                loading = shell.status()
            stage.drained()
            process.terminate()
            assert process.wait(10) == 0
    finally:
        if not services.registry.running:
            services.registry.start()
    stage.send([changed(household_key(3), code, village=f"{code}.01.1001", size=1)])
    alone = shell.status()

    assert [one[:2] for one in (well, loading, alone)] == [
        (0, "up to date"),
        (0, "waits: reference data is being loaded or rebuilt"),
        (0, "nobody reads it: muara worker does"),
    ]
    assert away[0] == 1
    assert away[2]["registry"].startswith("the schema registry at ")
    assert next(one["lag"] for one in alone[2]["partitions"] if one["topic"] == shell.topic) == 1

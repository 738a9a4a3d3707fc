"""A rebuild beside running workers, killed at every step, and as the command that a person types."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import EmbeddedServices
from processors.settings import WorkerSettings
from processors.store.rebuild import Rebuilt, rebuild
from processors.store.verify import verify
from schemas.registry import Registry
from tests.integration.events import Dice, household_key, life
from tests.integration.rebuild_process import VARIABLE
from tests.integration.stage import Stage, until
from tests.integration.workers import working
from tests.processors.store.office import fold_all

_ROOT = Path(__file__).parents[2]
HOUSEHOLDS = [household_key(number) for number in range(200)]
STEPS = ("replay", "replay the last, while workers wait", "compare", "take over")


def rebuilt(stage: Stage) -> Rebuilt:
    """Rebuild a stage in this process."""
    with closing(Registry(stage.registry)) as schemas:
        return rebuild(WorkerSettings(stage.kafka, stage.registry, stage.database), schemas)


def damage(stage: Stage) -> None:
    """Change a household and a cell by hand, as no record says."""
    with stage.connect() as conn:
        conn.execute(
            "update household set statements = overlay(statements placing '\\x00000000000000aa'::bytea from 35)"
            " where id = (select min(id::text)::uuid from household)"
        )
        conn.execute("update cell set people = people + 7 where level = 'province' and month = '2020-05-01'")


def rows(stage: Stage) -> list[list[Any]]:
    """Return all rows of the live tables with the transactions that wrote them, and their views' text."""
    tables = ("household", "cell", "cell_change", "ingest_offset", "rejected", "outbox", "publication", "reference_version")
    with stage.connect() as conn:
        found = [sorted(conn.execute(f"select xmin::text, one.* from {one} as one".encode()).fetchall(), key=repr) for one in tables]  # noqa: S608
        return [*found, conn.execute("select viewname, definition from pg_views where schemaname = 'public' order by 1").fetchall()]


def beside(stage: Stage) -> list[Any]:
    """Return the sessions of rebuilds, and the schema of their tables."""
    with stage.connect() as conn:
        return conn.execute(
            "select nspname from pg_namespace where nspname = 'muara_rebuild'"
            " union all select application_name from pg_stat_activity where application_name = 'muara rebuild'"
        ).fetchall()


def assert_verified(stage: Stage) -> None:
    """Hold the figures against the law and against the second opinion."""
    stage.assert_exact()
    fold_all(stage.database)
    with stage.connect() as conn:
        assert verify(conn).exact


@contextmanager
def stopped_after(stage: Stage, step: str) -> Iterator[int]:
    """Give the process id of a rebuild that stands still after a step has done its work; it is killed at the latest in the end."""
    told = {"kafka": stage.kafka, "registry": stage.registry, "database": stage.database, "stop_after": step}
    environ = {**os.environ, "PYTHONPATH": str(_ROOT), VARIABLE: json.dumps(told)}
    command = [sys.executable, "-m", "tests.integration.rebuild_process"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "stopped\n"
            yield process.pid
        finally:
            process.kill()


def command(stage: Stage, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `muara rebuild` over a stage."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
        "MUARA_KAFKA": stage.kafka,
        "MUARA_REGISTRY": stage.registry,
        "MUARA_DATABASE": stage.database,
    }
    line = [sys.executable, "-m", "deploy.cli", "rebuild", *options]
    return subprocess.run(line, env=environ, cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Three regencies with random lives, merged and folded, two rows of which were damaged."""
    made = Stage.set(services, 3)
    with working(made):
        made.send(life(Dice(3), made.claims, HOUSEHOLDS, 1_500))
        made.drained()
    fold_all(made.database)
    damage(made)
    return made


def test_a_rebuild_killed_at_any_step_has_done_nothing(stage: Stage) -> None:
    """After kill -9 at each step, the last just before the commit, every live row is as it was; the next rebuild repairs."""
    before = rows(stage)
    for step in STEPS:
        with stopped_after(stage, step) as pid:
            assert beside(stage)
            os.kill(pid, signal.SIGKILL)
        assert rows(stage) == before, step

    assert rebuilt(stage).taken_over
    assert rows(stage) != before
    assert_verified(stage)


def test_an_interrupted_rebuild_leaves_nothing_behind(stage: Stage) -> None:
    """After Ctrl-C, also while workers wait, the live rows are as they were and the tables beside are gone."""
    before = rows(stage)
    for step in ("replay", "compare"):
        with stopped_after(stage, step) as pid:
            os.kill(pid, signal.SIGINT)
            until(lambda: not beside(stage), 10)
        assert rows(stage) == before, step


def test_workers_go_on_during_a_rebuild_and_wait_only_at_its_end(stage: Stage) -> None:
    """While a rebuild replays, records are merged; while it compares, none are; after its commit the same worker ends exact."""
    dice = Dice(4)
    with working(stage, kept=False) as workers:
        stage.shared_by(1)
        worker = workers.pids
        with stopped_after(stage, "replay"):
            stage.send(life(dice, stage.claims, HOUSEHOLDS, 200))
            stage.drained()
        with stopped_after(stage, "compare"):
            stage.send(life(dice, stage.claims, HOUSEHOLDS, 200))
            time.sleep(1)
            assert all(stage.offsets()[topic][0] < end for topic, end in stage.ends().items())
        ended = threading.Event()

        def stream() -> None:
            producer = stage.producer()
            while not ended.is_set():
                stage.send(life(dice, stage.claims, HOUSEHOLDS, 50), producer)
                fold_all(stage.database)

        thread = threading.Thread(target=stream)
        thread.start()
        try:
            done = rebuilt(stage)
            damage(stage)
            again = rebuilt(stage)
        finally:
            ended.set()
            thread.join()
        stage.drained()
        assert workers.pids == worker

    assert done.taken_over
    assert again.taken_over
    assert rebuilt(stage).same
    assert_verified(stage)


def test_the_command_tells_what_it_found_and_did(stage: Stage) -> None:
    """`muara rebuild --compare-only` names differences and ends with 1, `muara rebuild` repairs them, and then all is equal."""
    compared, repaired, equal = command(stage, "--compare-only"), command(stage), command(stage)

    assert compared.returncode == 1, compared.stderr
    assert "1,500 records replayed" in compared.stdout
    assert "has another expenditure" in compared.stdout
    assert "cell 99 rural 2020-05: people is " in compared.stdout
    assert "nothing was changed" in compared.stdout
    assert repaired.returncode == 0, repaired.stderr
    assert "the live tables are now what was replayed" in repaired.stdout
    assert equal.returncode == 0, equal.stderr
    assert "everything is equal: nothing was changed" in equal.stdout
    assert_verified(stage)


def test_the_command_refuses_to_lose_what_no_record_says(stage: Stage) -> None:
    """Households that only the live tables hold are not taken away unless that is asked for: one clear line, exit code 2."""
    with stage.connect() as conn:
        conn.execute("insert into household select '00000000-0000-0000-0000-000000000001', statements from household limit 1")
    before = rows(stage)

    refused = command(stage)

    assert refused.returncode == 2
    assert refused.stderr.startswith("muara: 1 households have statements that no record of the topics says")
    assert rows(stage) == before
    assert command(stage, "--accept-loss").returncode == 0
    assert_verified(stage)

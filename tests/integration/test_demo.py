"""The demo, small: every process of the platform for real, and its figures equal to the simulated systems' own truth."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.place import found
from tests.embedded import temporary_services

ROOT = Path(__file__).parents[2]
_SMALL = "--once --headless --json --households 400 --changes 400 --seed 7".split()  # noqa: SIM905


def played_in(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Play a small demo in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "deploy.cli", "demo", *_SMALL, *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=270,
    )


@pytest.mark.timeout(280)
def test_the_demo_ends_exact_under_kills(tmp_path: Path) -> None:
    """`muara demo --once --chaos` exits 0: all is verified, no figure differs from the truth, no section from what the sources said."""
    played = played_in(tmp_path, "--chaos", "--workers", "2")

    assert played.returncode == 0, played.stderr[-3000:]
    outcome = json.loads(played.stdout)
    assert outcome["exact"] is True
    assert (outcome["verify_differences"], outcome["truth_differences"], outcome["rejected"]) == (0, 0, 0)
    assert outcome["receipts_proved"] == len(outcome["receipts"]) == 5
    assert sum(one["merged"] for one in outcome["receipts"].values()) > 700
    assert {"workers", "publishers"} <= outcome["killed"].keys()
    assert outcome["kills"] == sum(outcome["killed"].values())
    assert outcome["households"] >= 700
    assert outcome["numbers_compared_with_truth"] > 100_000
    assert outcome["section_differences"] == 0
    assert all(count > 900 for count in outcome["section_numbers"].values())
    assert outcome["section_numbers_compared"] == sum(outcome["section_numbers"].values()) > 50_000
    # The services of root keep their data where pytest does not tidy up; after a failure it stays, to be looked at.
    for services in ("demo", "demo/smart-kampung"):
        shutil.rmtree(found(tmp_path / ".muara" / services))


@pytest.mark.timeout(280)
def test_the_demo_plays_on_given_servers_and_only_once(tmp_path: Path) -> None:
    """
    With all addresses given nothing is started; what was played stays there, and another demo does not mix with it.

    The README's way of one event leads through files that run for it, each of them, in the processes that the demo starts.
    """
    way, notes = [ROOT / link for link in way_of_one_event() if link.endswith(".py")], tmp_path / "notes"
    with temporary_services("given") as servers:
        where = servers.addresses
        given = {"MUARA_KAFKA": where.kafka, "MUARA_REGISTRY": where.registry, "MUARA_DATABASE": where.database}
        followed = {
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "following"), str(ROOT)]),
            "FOLLOWED_FILES": os.pathsep.join(map(str, way)),
            "FOLLOWED_NOTES": str(notes),
        }

        played = played_in(tmp_path, **given, **followed)
        again = played_in(tmp_path, **given)

    assert played.returncode == 0, played.stderr[-3000:]
    assert json.loads(played.stdout)["exact"] is True
    assert set(notes.read_text(encoding="utf-8").splitlines()) == set(map(str, way))
    assert not (tmp_path / ".muara" / "demo" / "services").exists()
    assert (again.returncode, again.stdout, again.stderr.count("\n")) == (2, "", 1)
    assert "muara: the database of MUARA_DATABASE holds" in again.stderr
    shutil.rmtree(found(tmp_path / ".muara" / "demo" / "smart-kampung"))


def way_of_one_event() -> list[str]:
    """Return the files that the README's way of one event leads through, in its order."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Follow one event")[1].split("\n## ")[0]
    return re.findall(r"\]\(([^)]+)\)", section)


def test_follow_one_event_names_the_files_of_its_way() -> None:
    """The README's way of one event leads through these files, in this order; that they run is seen where a demo plays."""
    assert way_of_one_event() == [
        "producers/regions/carik-jakarta.toml",
        "producers/mapping.py",
        "producers/publisher.py",
        "processors/app.py",
        "processors/batcher.py",
        "processors/columns/merge.py",
        "processors/law.py",
        "processors/store/batch.py",
        "processors/store/fold.py",
    ]

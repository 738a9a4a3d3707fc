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

ROOT = Path(__file__).parents[2]
_SMALL = "--once --headless --json --chaos --workers 2 --households 400 --changes 400 --seed 7".split()  # noqa: SIM905


@pytest.mark.timeout(280)
def test_the_demo_ends_exact_under_kills(tmp_path: Path) -> None:
    """`muara demo --once --chaos` exits 0, and says that everything verified and nothing differs from the sources' truth."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    played = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "deploy.cli", "demo", *_SMALL],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=270,
    )

    assert played.returncode == 0, played.stderr[-3000:]
    outcome = json.loads(played.stdout)
    assert outcome["exact"] is True
    assert (outcome["verify_differences"], outcome["truth_differences"], outcome["rejected"]) == (0, 0, 0)
    assert outcome["households"] >= 500
    assert outcome["numbers_compared_with_truth"] > 100_000
    # The services of root keep their data where pytest does not tidy up; after a failure it stays, to be looked at.
    shutil.rmtree(found(tmp_path / ".muara" / "demo"))


def test_follow_one_event_names_the_files_of_its_way() -> None:
    """The README's way of one event leads through these files, in this order; the demo above walks it."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Follow one event")[1].split("\n## ")[0]
    links = re.findall(r"\]\(([^)]+)\)", section)

    assert [link for link in links if link not in ("processors/batcher.py", "processors/law.py")] == [
        "producers/regions/carik-jakarta.toml",
        "producers/mapping.py",
        "producers/publisher.py",
        "processors/app.py",
        "processors/columns/merge.py",
        "processors/store/batch.py",
        "processors/store/fold.py",
    ]

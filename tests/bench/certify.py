"""
How long a certification takes: the whole course of each of the product's region files, by the real command.

Why: who must wait an hour for a certificate makes none.
Must not: leave a scenario out, or take a file that did not pass for one that was quick.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.supervisor import muara
from tests.bench.stage import NotWithin, end
from tests.certify.untried import NOT_TRIED
from tests.producers.samples import REGIONS

__all__ = ["certify_figures"]

_LIMIT_S = 1_800
_DOWNLOADS = ("MUARA_CACHE", "MUARA_MAVEN")
"""Where its own services come from; no other setting may reach it."""
Tell = Callable[[str], None]


def certify_figures(folder: Path, tell: Tell, accuse: Tell) -> Mapping[str, float]:
    """Return the seconds of the slowest region file; `accuse` is told of each whose verdict is not that it passed."""
    seconds = [_certified(file, folder, tell, accuse) for file in sorted(REGIONS.glob("*.toml"))]
    return {"certify_s": max(seconds)}


def _certified(file: Path, folder: Path, tell: Tell, accuse: Tell) -> float:
    told = _played(file, folder)
    tell(f"{file.name}: {told['verdict']}; {told['seconds']:.0f} s, {told['peak_mb']:.0f} MB at most")
    if not told["passed"]:
        failed = ", ".join(one["name"] for one in told["scenarios"] if one["result"] == "FAILED")
        accuse(f"NOT CERTIFIED: {file.name}: {told['verdict']} ({failed}; {folder / file.stem}.log)")
    untried = {one["name"] for one in told["scenarios"] if one["result"] == "not tried"}
    if differing := sorted(untried ^ NOT_TRIED[file.stem].keys()):
        accuse(f"NOT AS KNOWN: {file.name}: {', '.join(differing)} went untried, or was tried, against tests/certify/untried.py")
    return float(told["seconds"])


def _played(file: Path, folder: Path) -> Mapping[str, Any]:
    """Run the whole course and return the certificate; raises `NotWithin`, or ValueError where the command printed none."""
    folder.mkdir(parents=True, exist_ok=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_") or name in _DOWNLOADS}
    environ["MUARA_DIRECTORY"] = str(folder)
    with (folder / f"{file.stem}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            muara("adapter", "certify", str(file), "--json"), env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
        try:
            said = process.communicate(timeout=_LIMIT_S)[0]
        except subprocess.TimeoutExpired as error:
            raise NotWithin(f"the certification of {file.name}: not within {_LIMIT_S} s") from error
        finally:
            end([process])
    if not said:
        raise ValueError(f"{file.name} got no certificate: exit code {process.returncode}, see {log.name}")
    certificate: Mapping[str, Any] = json.loads(said)
    return certificate

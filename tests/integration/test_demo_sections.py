"""The demo with adapters that lose whole sections: no figure changes by it, and yet it does not end exact."""

import re
import shutil
from pathlib import Path

import pytest

from deploy.demo.run import rehearse
from deploy.demo.stage import REGION_FILES, Play, Stage
from deploy.embedded import Silent
from deploy.embedded.place import found
from deploy.settings import Settings

LOST = {"simpati": "nutrition", "smartkampung": "programmes", "sddd": "dwelling"}


def without(source: str, folder: Path) -> Path:
    """Return a source's region file without the section that its adapter loses, and without examples, which would tell."""
    told = REGION_FILES[source].read_text(encoding="utf-8").split("[[example]]")[0]
    section = rf"\[mapping\.{LOST[source]}\].*?(?=\n\[|\Z)|^{LOST[source]} = [^\n]*"
    kept, times = re.subn(section, "", told, flags=re.DOTALL | re.MULTILINE)
    assert times == 1
    file = folder / REGION_FILES[source].name
    file.write_text(kept, encoding="utf-8")
    return file


@pytest.mark.timeout(280)
def test_adapters_that_lose_sections_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A section that no figure needs is lost by three adapters: verified, true in every figure, and each loss is told."""
    for source in LOST:
        monkeypatch.setitem(REGION_FILES, source, without(source, tmp_path))
    directory = tmp_path / "muara"

    with Stage(Settings.from_environ({"MUARA_DIRECTORY": str(directory)}), Play(60, 60, seed=3), Silent()) as stage:
        outcome = rehearse(stage, 60, chaos=False, say=lambda *_: None)

    assert (outcome.verification.exact, outcome.comparison.differences, outcome.rejected) == (True, (), 0)
    assert {(where[0], where[3], where[4]) for where in outcome.sections.differences} == {
        (source, section, "not held") for source, section in LOST.items()
    }
    assert not outcome.exact
    for services in ("demo", "demo/smart-kampung"):
        shutil.rmtree(found(directory / services))

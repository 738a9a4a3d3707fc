"""Secrets that a region file names and that are not set: told before anything is waited for."""

import re
from pathlib import Path

import pytest

from producers.faults import RegionFileWrong
from producers.region_file import read_region_file, unset_variables
from tests.producers.samples import CARIK, ENVIRON, KAMPUNG, SDDD
from tests.producers.test_region_file import TOKEN


@pytest.mark.parametrize("file", [CARIK, KAMPUNG, CARIK.with_name("sumedang-desa.toml")])
def test_unset_secrets_are_mistakes_for_whoever_runs_it(file: Path) -> None:
    """All that are not set are told at once with their lines, instead of a source that is waited for, for ever."""
    names = unset_variables(file, {})
    places = {name: value for name, value in ENVIRON.items() if name.endswith(("_URL", "_LISTEN"))}
    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, places)
    told = str(caught.value)

    assert [name for name in names if name not in places and f"{name} is not set" not in told] == []
    assert re.search(r"line \d+, source(\.token)?\.\w+_env: MUARA_\w+ is not set", told)


def test_variables_that_are_not_set_are_named(tmp_path: Path) -> None:
    """Placeholders and secrets that the environment lacks are known before anything starts."""
    for token, name in (('{ bearer_env = "MUARA_X" }', "MUARA_X"), ('{ header = "X-Api-Key", key_env = "MUARA_Y" }', "MUARA_Y")):
        (tmp_path / "x.toml").write_text(CARIK.read_text(encoding="utf-8").replace(TOKEN, f"token = {token}"), encoding="utf-8")
        assert unset_variables(tmp_path / "x.toml", {"MUARA_CARIK_URL": "x"}) == [name]
    assert unset_variables(CARIK, {"MUARA_CARIK_URL": "x"}) == ["MUARA_CARIK_CLIENT_ID", "MUARA_CARIK_CLIENT_SECRET"]
    assert unset_variables(SDDD, ENVIRON) == []

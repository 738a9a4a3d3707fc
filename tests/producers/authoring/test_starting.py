"""Files to start from: what is to be filled in is told exactly, and filled in as the comments say they are right, examples included."""

import re
import tomllib
from pathlib import Path

import pytest

from producers.authoring.mistakes import PLACEHOLDER
from producers.authoring.starting import starting_file
from producers.check import check
from producers.declaration import SOURCE_KINDS
from producers.faults import RegionFileWrong
from tests.producers.test_region_file import LONGEST, lines_without_examples

_SUCH_AS = re.compile(r"<[^<>]*such as ([^<>]*)>")


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_what_is_to_be_filled_in_is_told_exactly(tmp_path: Path, kind: str) -> None:
    """Every placeholder is a mistake with its line, there is no other, and each says what it could be."""
    text = starting_file("Kota Contoh", kind)
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        check(tmp_path / "x.toml", {})

    told = str(caught.value).splitlines()[1:]
    wanted = [number for number, line in enumerate(text.splitlines(), 1) if not line.startswith("#") for _ in PLACEHOLDER.finditer(line)]
    assert len(wanted) > 10
    assert [one for one in told if "is still to be filled in: <" not in one] == []
    assert sorted(int(one.split("line ")[1].split(",")[0]) for one in told) == wanted
    assert [one for one in PLACEHOLDER.findall(text) if "such as " not in one] == ["<...>"]


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_filled_in_as_the_comments_say_it_is_right(tmp_path: Path, kind: str) -> None:
    """With what each placeholder gives as an example the file has no mistake, its example holds, and nothing is warned of."""
    text = _SUCH_AS.sub(r"\1", starting_file("Kota Contoh", kind))
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")

    found = check(tmp_path / "x.toml", {})

    assert found.in_order, str(found)
    assert (found.examples, found.warnings) == (1, [])
    assert found.declared.source.kind == kind
    assert all(name.startswith("MUARA_KOTA_CONTOH_") for name in found.unset)
    assert found.unset


def test_what_a_feed_is_offered_in_comments_is_right(tmp_path: Path) -> None:
    """The snapshot and the key that stays the same, put in force as the comments say, make a file without mistakes."""
    text = _SUCH_AS.sub(r"\1", starting_file("Kota Contoh", "rest"))
    lines = [line for line in text.splitlines() if not line.startswith("token.")]
    offered = [line.removeprefix("# ") for line in lines if re.match(r"# (snapshot|token\.bearer_env) =", line)]
    file = tmp_path / "x.toml"
    file.write_text("\n".join(line.removeprefix("# ") if line.removeprefix("# ") in offered else line for line in lines), encoding="utf-8")

    found = check(file, {})

    assert len(offered) == 2
    assert found.in_order, str(found)
    assert found.unset == ["MUARA_KOTA_CONTOH_TOKEN", "MUARA_KOTA_CONTOH_URL"]
    assert found.declared.source.kind == "rest"
    assert found.declared.source.snapshot is not None


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_it_is_short_and_every_key_is_explained(kind: str) -> None:
    """A starting file is a region file: at most 60 lines; and hardly a line of it is without a word to its author."""
    text = starting_file("Kota Contoh", kind)
    lines = lines_without_examples(text)

    assert len(lines) <= LONGEST
    keys = [line for line in lines if "=" in line and not line.startswith("#")]
    silent = [line for line in keys if "<" not in line and "#" not in line]
    assert len(silent) <= 6, silent


@pytest.mark.parametrize("name", ['Kota "X"', "a\\b", "Kab.\n[x]", "7", "é", "<x>"])
def test_any_name_will_do(name: str) -> None:
    """A name with quotes, or of several lines, does not break the file."""
    told = tomllib.loads(starting_file(name, "rest"))

    assert told["source"]["kind"] == "rest"
    assert re.fullmatch(r"\$\{MUARA_[A-Z][A-Z0-9_]*_URL\}", told["source"]["url"])

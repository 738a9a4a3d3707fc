"""An adapter's variables: as they were set, or in a file that may change; never shown."""

from pathlib import Path

import pytest

from producers.environment import Environment, why_missing


def test_a_variable_comes_as_it_was_set() -> None:
    """What is set counts; an empty variable is as good as none."""
    told = Environment({"INVENTED": "one", "EMPTY": ""})

    assert (told["INVENTED"], told.get("EMPTY"), told.get("ABSENT")) == ("one", None, None)


def test_a_variable_may_lie_in_a_file(tmp_path: Path) -> None:
    """NAME_FILE names a file with what NAME would hold, without the line's end; NAME itself comes first."""
    file = tmp_path / "secret"
    file.write_text("of the file\n", encoding="utf-8")

    assert Environment({"INVENTED_FILE": str(file)})["INVENTED"] == "of the file"
    assert Environment({"INVENTED_FILE": str(file), "INVENTED": "set"})["INVENTED"] == "set"
    assert Environment({"INVENTED_FILE": str(file)}).may_change("INVENTED")
    assert not Environment({"INVENTED_FILE": str(file), "INVENTED": "set"}).may_change("INVENTED")


def test_a_file_is_read_anew(tmp_path: Path) -> None:
    """A secret that is changed in its file is the new one at once; while the file is gone, what it held last goes on."""
    file = tmp_path / "secret"
    file.write_text("old", encoding="utf-8")
    told = Environment({"INVENTED_FILE": str(file)})
    seen = [told["INVENTED"]]
    file.write_text("new", encoding="utf-8")
    seen.append(told["INVENTED"])
    file.unlink()
    seen.append(told["INVENTED"])

    assert seen == ["old", "new", "new"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "NAME_FILE names a file that cannot be read (No such file or directory)"),
        (b"", "NAME_FILE names a file that is empty"),
        (b" \n", "NAME_FILE names a file that is empty"),
        (b"\xffsecret", "NAME_FILE names a file that cannot be used (it is no text in UTF-8)"),
        (b"x" * 70_000, "NAME_FILE names a file that cannot be used (it is too long to be one)"),
    ],
)
def test_why_there_is_none(tmp_path: Path, content: bytes | None, why: str) -> None:
    """Of a file that cannot be used the variable and the cause are told, never what it holds; the variable counts as not set."""
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    told = Environment({"NAME_FILE": str(tmp_path / "secret")})

    assert told.get("NAME") is None
    assert why_missing("NAME", told) == why


def test_a_folder_and_a_device_are_no_files(tmp_path: Path) -> None:
    """A folder cannot be read, and a device that never ends is not read to its end."""
    assert why_missing("NAME", {"NAME_FILE": str(tmp_path)}) == "NAME_FILE names a file that cannot be read (Is a directory)"
    assert why_missing("NAME", {"NAME_FILE": "/dev/zero"}) == "NAME_FILE names a file that cannot be used (it is too long to be one)"
    assert why_missing("NAME", {}) == "NAME is not set"


def test_nothing_is_shown() -> None:
    """The variables' values are in no repr."""
    assert repr(Environment({"INVENTED": "secret", "MORE": "secret"})) == "2 variables"


def test_an_empty_variable_is_none() -> None:
    """What is set to nothing is not there, be it asked for or counted: `make` sets such in every process below it."""
    environment = Environment({"MAKEFLAGS": "", "MUARA_X": "x"})

    assert dict(environment) == {"MUARA_X": "x"}
    assert len(environment) == 1
    assert "MAKEFLAGS" not in environment

"""The command line: help, errors of use, and what a command says when nothing runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from deploy import cli
from deploy.settings import Settings

COMMANDS = (
    "demo up worker publish status indicators verify rebuild adapter lines regions sources rejected offsets schema receipt".split()  # noqa: SIM905
)
CARIK = Path(__file__).parents[2] / "producers" / "regions" / "carik-jakarta.toml"


def muara(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder where nothing runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "deploy.cli", *arguments],
        cwd=cwd,
        env={**clean, **environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    """Help lists all commands and exits with 0."""
    shown = muara("--help", cwd=tmp_path)

    assert shown.returncode == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in shown.stdout] == []


@pytest.mark.parametrize("group", ["", "adapter", "lines", "regions", "sources", "rejected", "offsets", "schema", "receipt"])
def test_help_is_whole_on_a_narrow_terminal(tmp_path: Path, group: str) -> None:
    """In 80 columns no sentence about a command is cut, and no line is longer."""
    shown = muara(*group.split(), "--help", cwd=tmp_path, COLUMNS="80")

    assert shown.returncode == 0
    assert "..." not in shown.stdout.replace("[ARGS]...", "")
    assert [line for line in shown.stdout.splitlines() if len(line) > 80] == []


def test_help_names_every_setting(tmp_path: Path) -> None:
    """Whoever asks for help learns which environment variables there are, and their defaults."""
    told = muara("--help", cwd=tmp_path, COLUMNS="80").stdout

    assert [name for name in Settings.model_fields if f"  MUARA_{name.upper()} " not in told] == []
    assert "where local data lies [.muara]" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["foo"], "No such command 'foo'"),
        (["indicators", "--format", "yaml"], "'yaml' is not one of"),
        (["indicators"], "/.muara: run muara up in another terminal"),
        (["verify"], "/.muara: run muara up in another terminal"),
        (["adapter", "run", "nowhere.toml"], "'nowhere.toml' does not exist"),
        (["receipt", "check", "nowhere.json"], "'nowhere.json' does not exist"),
        (["worker", "--workers", "2"], "several workers want --supervise"),
        (["demo", "--workers", "0"], "should be greater than or equal to 1"),
        (["adapter", "new", "Kota", "--source", "ftp"], "for '--source': 'ftp' is not one of 'rest', 'postgres', 'files', 'webhook'."),
        (["adapter", "new", "Kota"], "Missing option '--source'. Choose from: rest, postgres, files, webhook"),
        (["adapter", "new", " ", "--source", "rest"], "a region file needs a name for people: give the region's"),
        (["adapter", "check", "."], "file '.' is a directory."),
        (["adapter", "drift", str(CARIK), "--accept", "x", "--as", "y"], "'y' is not one of 'evolve', 'discard', 'quarantine'."),
        (["adapter", "certify", str(CARIK), "--html", "nowhere/x.html"], "Invalid value for '--html': the folder nowhere does not exist"),
    ],
)
def test_errors_of_use_are_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], told: str) -> None:
    """Every error of use is one clear line on standard error, and exit code 2."""
    shown = muara(*arguments, cwd=tmp_path)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("muara: ")
    assert shown.stderr.count("\n") == 1
    assert told in shown.stderr


def test_mistyped_settings_are_told_by_the_name_that_was_typed(tmp_path: Path) -> None:
    """A setting that does not exist is named, with the one that may be meant; a wrong value is named by its setting."""
    shown = muara("status", cwd=tmp_path, MUARA_KAFCA="x", MUARA_DAYS_AHEAD="0")

    assert shown.returncode == 2
    assert "MUARA_KAFCA is no setting: is MUARA_KAFKA meant?" in shown.stderr
    assert "MUARA_DAYS_AHEAD: input should be greater than or equal to 1" in shown.stderr


GIVEN = {"MUARA_KAFKA": "a:1", "MUARA_REGISTRY": "http://b", "MUARA_DATABASE": "postgresql://c/d", "MUARA_PSEUDONYM_KEY": "ab" * 32}


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        (["status"], {"MUARA_DATABASE": "nonsense"}, "MUARA_DATABASE: is no DSN such as postgresql://user:password@host:5432/name"),
        (["rebuild"], {"MUARA_DATABASE": "postgresql://me:secret@c/d?colour=red"}, "MUARA_DATABASE: is no DSN such as"),
        (["status"], {"MUARA_DATABASE": "", "MUARA_DIRECTORY": "x" * 300}, f"/{'x' * 300}: run muara up"),
        (["adapter", "run", str(CARIK)], {"MUARA_DIRECTORY": "file/below"}, "the folder file/below/adapters cannot be made or written"),
        (["demo"], {"MUARA_DIRECTORY": "file/below", "MUARA_KAFKA": ""}, "cannot be made or written"),
    ],
)
def test_unusable_settings_are_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], environ: dict[str, str], told: str) -> None:
    """A database address that is none and a folder that cannot be had are errors of use, told without the password."""
    (tmp_path / "file").touch()

    shown = muara(*arguments, cwd=tmp_path, **{**GIVEN, **environ})

    assert (shown.returncode, shown.stdout) == (2, "")
    assert told in shown.stderr
    assert shown.stderr.count("\n") == 1
    assert "secret" not in shown.stderr


def region_file(folder: Path, variable: str) -> Path:
    """Write a region file that differs from Carik's by the name of one variable."""
    made = folder / "sumedang.toml"
    made.write_text(CARIK.read_text(encoding="utf-8").replace("MUARA_CARIK_URL", variable), encoding="utf-8")
    return made


def test_a_region_names_its_variables_itself(tmp_path: Path) -> None:
    """A copied region file with a variable of its own name is in order, and the variable disturbs no command."""
    told = {"MUARA_SUMEDANG_URL": "https://sumedang.invalid"}

    checked = muara("adapter", "check", str(region_file(tmp_path, "MUARA_SUMEDANG_URL")), cwd=tmp_path, **told)
    other = muara("status", cwd=tmp_path, **told)

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "MUARA_SUMEDANG_URL" not in checked.stdout
    assert "no services run" in other.stderr


@pytest.mark.parametrize("environ", [{}, {"MUARA_DATABASES": "x"}])
def test_a_region_file_that_names_what_looks_mistyped_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    """The check tells a name that every command would refuse, whether it is set or not."""
    checked = muara("adapter", "check", str(region_file(tmp_path, "MUARA_DATABASES")), cwd=tmp_path, **environ)

    assert checked.returncode == 2
    assert "MUARA_DATABASES" in checked.stderr
    assert "MUARA_DATABASE" in checked.stderr.replace("MUARA_DATABASES", "")


def test_an_interrupted_command_says_so_by_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command with 130, as shells expect, not with 0: nothing was brought to its end."""
    interrupted = typer.Typer()

    @interrupted.command()
    def command() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    monkeypatch.setattr(sys, "argv", ["muara"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == cli.EXIT_INTERRUPTED

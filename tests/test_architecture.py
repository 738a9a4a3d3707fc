"""The project is built as it says: four packages of its own, borders that hold, modules that tell what they are, nothing of one machine."""

import ast
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "producers", "processors", "deploy")
MOST_LINES = 400
VAGUE = re.compile(r"utils?|common|helpers?|core|misc|base|manager|data|info")
OFFENCES = {
    "The two sides meet only in schemas": ("producers/mapping.py", "import processors.law"),
    "The pure core knows no clock": ("processors/law.py", "import time"),
    "psycopg has named importers": ("processors/app.py", "import psycopg"),
    "faust has one importer": ("processors/batcher.py", "import faust"),
    "aiohttp has one importer on the adapter's side": ("producers/reader.py", "import aiohttp"),
    "python_calamine has one importer": ("producers/sources/files.py", "import python_calamine"),
    "cryptography has one importer": ("producers/quarantine.py", "import cryptography"),
    "confluent_kafka has named importers": ("processors/law.py", "import confluent_kafka"),
}
"""An import that each contract forbids: the beginning of the contract's name, where, what."""


@cache
def project_files() -> list[Path]:
    """Return the files of the project, as git has or would have them."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - git of the machine
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(path for name in said.stdout.split("\0") if name and (path := ROOT / name).is_file())


def modules() -> list[Path]:
    """Return the product's modules."""
    return [one for one in project_files() if one.suffix == ".py" and one.relative_to(ROOT).parts[0] in PACKAGES]


def name_of(path: Path) -> str:
    """Return a file's path inside the project."""
    return path.relative_to(ROOT).as_posix()


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run import-linter on the project in a folder."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(  # noqa: S603 - the program beside our Python
        [program, "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_of_this_name_is_ours(package: str) -> None:
    """Our packages have generic names: no other wheel's package of the same name may come first."""
    spec = find_spec(package)

    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")


def test_the_borders_hold() -> None:
    """Every contract of import-linter is kept."""
    said = lint_imports(ROOT)

    assert said.returncode == 0, said.stdout
    assert "0 broken" in said.stdout


def test_every_border_breaks_when_it_is_crossed(tmp_path: Path) -> None:
    """In a copy with one forbidden import per contract every contract is broken, so none of them is empty."""
    for one in project_files():
        if one.suffix == ".py" or one.name == "pyproject.toml":
            (tmp_path / name_of(one)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(one, tmp_path / name_of(one))
    for place, line in OFFENCES.values():
        with (tmp_path / place).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")

    said = lint_imports(tmp_path)

    assert said.returncode == 1, said.stdout
    verdicts = [line for line in said.stdout.splitlines() if re.search(r"(KEPT|BROKEN)( \(.*\))?$", line)]
    assert len(verdicts) == len(OFFENCES), said.stdout
    for line in verdicts:
        assert "BROKEN" in line
        assert any(line.startswith(contract) for contract in OFFENCES)


def test_every_module_says_why_it_is_there_and_what_it_must_not_do() -> None:
    """The docstrings of our modules are our documentation folder; those of the tests say what must hold."""
    silent = []
    for one in project_files():
        if one.suffix == ".py":
            told = ast.get_docstring(ast.parse(one.read_text(encoding="utf-8"))) or ""
            wanted = ("Why: ", "Must not: ") if one in modules() else (".",)
            silent += [f"{name_of(one)} has no {word!r} in its docstring" for word in wanted if word not in told]

    assert silent == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module is named for the thing in it."""
    assert [name_of(one) for one in modules() if VAGUE.fullmatch(one.stem)] == []


def test_no_file_is_too_long_to_be_read() -> None:
    """A longer file holds two things; lists of hashes and facts are not read."""
    written = [one for one in project_files() if one.suffix in {".py", ".sql", ".toml", ".md"}]

    lengths = {name_of(one): len(one.read_text(encoding="utf-8").splitlines()) for one in written}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_test_packages_are_unbroken() -> None:
    """Without its __init__.py a folder of tests would be imported as the product's package of the same name."""
    folders = {folder for one in project_files() if one.suffix == ".py" for folder in one.parents if ROOT in folder.parents}

    assert [name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


FORBIDDEN = {
    "an address of a package registry": r"pypi\.org|pythonhosted\.org|maven(?:\.apache)?\.org|npmjs\.\w+|golang\.org|artifactory",
    "a setting of a package client": r"(?:^|\s)--(?:extra-)?(?:index-url|find-links|trusted-host)\b",
    "a path of one machine": r"(?<![\w.])/(?:home|root|Users|work)/\w",
}


def registry_hosts() -> set[str]:
    """Return the hosts of the package registries that this machine uses."""
    pip = [sys.executable, "-m", "pip", "config", "list"]
    told = subprocess.run(pip, capture_output=True, text=True, check=False).stdout  # noqa: S603 - our own pip
    told += " ".join(value for name, value in os.environ.items() if re.search("INDEX|MAVEN|MIRROR|REGISTRY", name))
    hosts = re.findall(r"https?://(?:[^\s/'\"@]*@)?([\w.-]+)", told)
    return {one for one in hosts if one not in {"localhost", "127.0.0.1"}}


def test_nothing_names_a_registry_or_a_machine() -> None:
    """What is in the project holds on every machine: packages come from wherever a machine's own settings say."""
    patterns = dict(FORBIDDEN)
    if hosts := registry_hosts():
        patterns["the registry of this machine"] = "|".join(map(re.escape, sorted(hosts)))
    patterns["the path of this checkout"] = re.escape(str(ROOT)) + r"\b"
    found = []
    for one in project_files():
        content = one.read_bytes()
        if one != Path(__file__) and b"\0" not in content:
            text = content.decode("utf-8")
            found += [
                f"{name_of(one)}: {what}: {match[0].strip()}"
                for what, shape in patterns.items()
                for match in re.finditer(shape, text, re.MULTILINE)
            ]

    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("an address of a package registry", "see https://pypi.org/project/x"),
        ("a setting of a package client", "--index-url https://example.org/simple"),
        ("a setting of a package client", "x --find-links y"),
        ("a path of one machine", 'folder = "/home/somebody/x"'),
    ],
)
def test_what_is_forbidden_would_be_seen(what: str, line: str) -> None:
    """The patterns above find what they are there for."""
    assert re.search(FORBIDDEN[what], line, re.MULTILINE)


def test_the_wheel_holds_every_file_of_our_packages(tmp_path: Path) -> None:
    """Schemas, region files, tables and SQL travel inside, or the installed product would lack them; the tests stay at home."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own build

    (wheel,) = tmp_path.glob("muara-*.whl")
    with ZipFile(wheel) as packed:
        inside = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert inside == {name_of(one) for one in project_files() if one.relative_to(ROOT).parts[0] in PACKAGES}

"""What others see of an adapter's process: no key, no secret; not in its environment, its output, its children or a core dump."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.test_cli import CARIK, muara
from tests.producers.samples import KEY, NEW_KEY

SECRET = "invented-secret-of-carik"
SECRETS = (KEY.hex(), NEW_KEY.hex(), SECRET)
ENVIRON = {
    "MUARA_KAFKA": "127.0.0.1:1",
    "MUARA_REGISTRY": "http://127.0.0.1:1",
    "MUARA_PSEUDONYM_KEY": KEY.hex(),
    "MUARA_PSEUDONYM_KEY_VERSION": "2",
    "MUARA_PSEUDONYM_PREVIOUS_KEY": NEW_KEY.hex(),
    "MUARA_CARIK_URL": "http://127.0.0.1:1",
    "MUARA_CARIK_CLIENT_ID": "invented",
    "MUARA_CARIK_CLIENT_SECRET": SECRET,
}
_MOMENT_S = 30.0
"""Far more than the start takes on a machine that does much else."""
_DEBUG = """
import faulthandler, logging, resource, sys
_, most = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
import producers.runner
from deploy import cli
def {name}(*all, **named):
    for logger in (None, "producers"):
        logging.getLogger(logger).setLevel(logging.DEBUG)
    {dies}
producers.runner.{name} = {name}
sys.argv[1:] = ["adapter", "run", {file!r}]
cli.main()
"""


def clean() -> dict[str, str]:
    """The environment without what is Muara's."""
    named = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    return {**named, "PYTHONPATH": str(Path(__file__).parents[2])}


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command until the end of the block; what it says is in the folder's file `said`."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "deploy.cli", *arguments], cwd=folder, env={**clean(), **ENVIRON}, stdout=said, stderr=said
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def shown_of(process: "subprocess.Popen[bytes]") -> str:
    """What the kernel tells of a process to whoever may ask: its environment and its command line."""
    return "".join(Path(f"/proc/{process.pid}/{name}").read_bytes().decode() for name in ("environ", "cmdline"))


def test_the_environment_of_a_running_adapter_holds_no_secret(tmp_path: Path) -> None:
    """Within a moment of the start neither keys nor the region's secrets are in /proc/PID/environ; where they are not secret, they stay."""
    with started(tmp_path, "adapter", "run", str(CARIK)) as process:
        until = time.monotonic() + _MOMENT_S
        while any(secret in shown_of(process) for secret in SECRETS):
            assert time.monotonic() < until
            time.sleep(0.05)
        while b"waiting for registry" not in (tmp_path / "said").read_bytes():
            assert time.monotonic() < until
            time.sleep(0.05)

        assert process.poll() is None
        assert "MUARA_KAFKA=127.0.0.1:1" in shown_of(process)
        limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8").splitlines()
        assert [line.split()[4:6] for line in limits if line.startswith("Max core file size")] == [["0", "0"]]
        assert "VmHWM" in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")  # how much memory it takes stays readable
        process.send_signal(signal.SIGTERM)
        assert process.wait(_MOMENT_S) == 0
    assert not any(secret.encode() in (tmp_path / "said").read_bytes() for secret in SECRETS)


def test_children_get_no_key(tmp_path: Path) -> None:
    """A process that an adapter's process starts is not given the keys, while it has them itself."""
    program = (
        "import os, subprocess, sys; from deploy.secrecy import seclude, secluded;"
        "seclude(['MUARA_PSEUDONYM_KEY', 'ABSENT']); given = subprocess.run(['env'], capture_output=True, text=True).stdout;"
        "print('KEY' in given, 'MUARA_PSEUDONYM_KEY' in os.environ, secluded()['MUARA_PSEUDONYM_KEY'], 'ABSENT' in secluded())"
    )
    environ = {**clean(), "MUARA_PSEUDONYM_KEY": "invented"}
    said = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)  # noqa: S603

    assert said.stdout.split() == ["False", "False", "invented", "False"]


@pytest.mark.parametrize(
    ("name", "dies", "told"),
    [
        ("open_source", "raise RuntimeError('unforeseen')", "RuntimeError: unforeseen"),
        ("Mapper", "raise RuntimeError(repr(all))", "RuntimeError: (Declaration("),
        ("open_source", "faulthandler.enable(); import os; os.abort()", "Fatal Python error: Aborted"),
        ("open_source", "logging.getLogger('producers').debug('%r %r', all, named); sys.exit(7)", " variables, <function"),
    ],
)
def test_what_an_adapter_says_when_it_dies_holds_no_secret(tmp_path: Path, name: str, dies: str, told: str) -> None:
    """A traceback, one of faulthandler, and logs of all that was handed over at the level `debug` hold no secret; no core is left."""
    program = _DEBUG.format(name=name, dies=dies, file=str(CARIK))
    said = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=tmp_path, env={**clean(), **ENVIRON}, capture_output=True, text=True, check=False, timeout=60
    )

    assert said.returncode != 0
    assert told in said.stderr
    assert [secret for secret in SECRETS if secret in said.stdout + said.stderr] == []
    assert [file.name for file in tmp_path.iterdir() if "core" in file.name] == []


@pytest.mark.parametrize("key", ["invented no key", KEY.hex()[:20], "\u00e9" * 40])
@pytest.mark.parametrize("name", ["MUARA_PSEUDONYM_KEY", "MUARA_PSEUDONYM_PREVIOUS_KEY", "MUARA_PSEUDONYM_KEY_VERSION"])
def test_a_wrong_key_is_refused_without_a_word_of_it(tmp_path: Path, name: str, key: str) -> None:
    """Of a key that is none, or stands in the wrong variable, nothing is shown: one line, exit code 2."""
    said = muara("adapter", "run", str(CARIK), cwd=tmp_path, **{**ENVIRON, name: key})

    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "for pseudonyms" in said.stderr
    assert key not in said.stdout + said.stderr


def test_commands_that_need_no_key_hide_it_too(tmp_path: Path) -> None:
    """Whichever command of an adapter is given the keys, it says nothing of them."""
    for arguments in (["check", str(CARIK)], ["drift", str(CARIK)], ["receipt", str(CARIK)]):
        said = muara("adapter", *arguments, cwd=tmp_path, **ENVIRON)

        assert [secret for secret in SECRETS if secret in said.stdout + said.stderr] == []

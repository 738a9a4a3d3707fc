"""Child processes: tied to whoever started them, ended in order where they can be, and by force where not."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.children import end, start
from tests.deploy.test_supervisor import until

PYTHON = [sys.executable, "-c"]
DEAF = [*PYTHON, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"]
PARENTS = {
    "started": "children.start(DEAF, log=LOG)",
    "supervised": "Supervisor([('deaf', DEAF)]).start()",
    "supervised, with logs": "Supervisor([('deaf', DEAF)], logs=LOG.parent).start()",
}


@pytest.mark.parametrize("how", PARENTS)
def test_children_end_with_a_parent_that_is_killed(tmp_path: Path, how: str) -> None:
    """After `kill -9` of a command no child of its goes on, even one that no SIGTERM ends."""
    names = f"DEAF, LOG = {DEAF!r}, Path({str(tmp_path / 'log')!r})"
    program = f"import time; from pathlib import Path; from deploy import children; from deploy.supervisor import Supervisor; {names}"
    parent = subprocess.Popen([*PYTHON, f"{program}\n{PARENTS[how]}\ntime.sleep(60)"], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        family = psutil.Process(parent.pid)
        assert until(lambda: any("SIG_IGN" in " ".join(one.cmdline()) for one in family.children()))
        child = family.children()[0]
    finally:
        parent.kill()
        parent.wait()

    assert until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5.0)


def test_a_child_is_given_time_to_end(tmp_path: Path) -> None:
    """A child that answers SIGTERM ends by itself; one that does not is killed once the time is over."""
    polite = [
        *PYTHON,
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(7)); print('polite', flush=True); time.sleep(60)",
    ]
    both = [start(polite, log=tmp_path / "polite"), start(DEAF, log=tmp_path / "deaf")]
    assert until(lambda: all((tmp_path / name).read_text() for name in ("polite", "deaf")))

    began = time.monotonic()
    end(both, limit_s=0.5)

    assert [one.returncode for one in both] == [7, -9]
    assert 0.5 <= time.monotonic() - began < 3.0

"""
What is away, dies or is lost: the adapter's process at each of its steps, its disk, its source, the broker, the registry; a wrong key.

Why: each function is a scenario, or makes one; its docstring says what is tried.
Must not: judge what came of it (checks.py does), but that a state is shown: that is part of what is tried.
"""

import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import psutil

from deploy.certify.adapter import DidNotHappen
from deploy.certify.scene import Scene
from deploy.certify.told import Says
from deploy.certify.writing import CannotBeSaid

_STOPPED_S = 3.0
_CHANGES_MEANWHILE = 3
_ALL_ANEW_S = 120.0
_FEW = 12
_DEATHS = ((1, 0.2), (2, 0.0))
"""At which time of a step it dies, and how long after it, in seconds: an answer given too early is out by then."""
DEATHS = len(_DEATHS)
"""How often it is killed in one scenario."""


def killed_at(step: str) -> Callable[[Scene], None]:
    """Return the scenario in which the adapter is killed at one of its steps, a moment after the first time and at the second."""

    def killed(scene: Scene) -> None:
        serial = scene.families()[3]
        for times, pause_s in _DEATHS:
            scene.tell(scene.is_now(serial, size=times), *scene.new())
            with scene.adapter.running(die_at=step, die_times=str(times), die_pause_s=str(pause_s)) as process:
                scene.until(partial(_dead_or_told_more, scene, process), f"the adapter comes to the step `{step}`")
        scene.adapter.run_until_told()

    killed.__doc__ = "The adapter is killed (SIGKILL) at this step: a moment after the first time, and then right at the second."
    return killed


def _dead_or_told_more(scene: Scene, process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has died; where it has not for a while, tell of one more change, for it to come to its step again."""
    try:
        process.wait(0.7)
    except subprocess.TimeoutExpired:
        serial = scene.families()[4]
        scene.tell(scene.is_now(serial, size=1 + (scene.source.truth.at(serial, scene.month) or scene.is_now(serial).fact).size % 9))
    return process.poll() is not None


def source_down(scene: Scene) -> None:
    """The source is away when the adapter starts, and again while it runs; that is shown, and changes arrive when it is back."""
    if not scene.source.is_asked:
        raise CannotBeSaid(what="that it is away", why="its source pushes, and is never asked")
    with scene.source.away():
        with scene.adapter.running() as process:
            scene.state_is("waiting for source")
        process.wait()
    with scene.adapter.running() as process:
        scene.adapter.wait_told(process)
        with scene.source.away():
            scene.state_is("waiting for source")
        scene.tell(*scene.new())
        scene.adapter.wait_told(process)


def broker_down(scene: Scene) -> None:
    """The broker goes away while the adapter runs, and stays away over a restart: changes wait on disk, in order."""
    serial = scene.families()[5]
    with scene.adapter.running() as process:
        scene.adapter.wait_told(process)
        with scene.down("kafka"):
            scene.tell(scene.is_now(serial, size=8), *scene.new())
            _spooled(scene, 1)
            scene.state_is("waiting for broker")
            scene.tell(scene.is_now(serial, size=2))
            process.terminate()
            process.wait()
            with scene.adapter.running():
                _spooled(scene, 2)
                scene.state_is("waiting for broker")
    scene.adapter.run_until_told()


def _spooled(scene: Scene, least: int) -> None:
    scene.until(lambda: (found := scene.adapter.status) is not None and found.spooled >= least, "changes wait in the spool")


def registry_down(scene: Scene) -> None:
    """The registry is away at a start: schemas that are known need it no more."""
    with scene.down("registry"):
        scene.tell(*scene.new())
        scene.adapter.run_until_told()


def registry_down_at_first(scene: Scene) -> None:
    """The registry is away at a first start, as after a lost disk: the adapter waits for it, visibly, and goes on when it is back."""
    for is_away in (True, False) if scene.source.concludes_ends else (True,):
        scene.adapter.lose_disk()
        scene.source.tell_everything_again()
        with ExitStack() as back:
            if is_away:
                back.enter_context(scene.down("registry"))
            with scene.adapter.running() as process:
                if is_away:
                    scene.state_is("waiting for registry")
                back.close()
                scene.adapter.wait_told(process, patience_s=_ALL_ANEW_S)


def slow_broker(scene: Scene) -> None:
    """The broker stops answering for three seconds, again and again; changes go on, and are read all the while."""
    broker = psutil.Process(scene.services.kafka.pid)
    with scene.adapter.running() as process:
        scene.adapter.wait_told(process)
        for size in (3, 4, 5):
            broker.send_signal(signal.SIGSTOP)
            stopped_s = time.monotonic()
            try:
                scene.tell(scene.is_now(scene.families()[6], size=size), *scene.new())
                _spooled(scene, 1)
                for number in range(_CHANGES_MEANWHILE):
                    scene.tell(scene.is_now(scene.families()[6], size=size + 1 + number), *scene.new())
                    _spooled(scene, 3 + 2 * number)
                time.sleep(max(0.0, stopped_s + _STOPPED_S - time.monotonic()))
            finally:
                broker.send_signal(signal.SIGCONT)
        scene.adapter.wait_told(process)


def full_spool(scene: Scene) -> None:
    """The spool fills up while the broker is away: reading waits, visibly, and goes on when it is back."""
    with scene.down("kafka"):
        for _ in range(3):
            scene.tell(*scene.new(2))
        with scene.adapter.running(spool_bytes="400"):
            scene.state_is("waiting for broker")
            scene.until(
                lambda: (found := scene.adapter.status) is not None and found.reading.startswith("spool full"), "`spool full` is shown"
            )
    scene.adapter.run_until_told()


def wrong_key(scene: Scene) -> None:
    """The key for pseudonyms is another one, or has another version: the adapter refuses to start, and sends nothing under it."""
    scene.tell(*scene.new())
    for wrong in ({"MUARA_PSEUDONYM_KEY": secrets.token_hex(32)}, {"MUARA_PSEUDONYM_KEY_VERSION": "2"}):
        words = scene.adapter.refuses_to_start(**wrong)
        if "key for pseudonyms" not in words:
            raise DidNotHappen(wait_s=0.0, what=f"it says that the key is another one (it said: {words})")
    scene.adapter.run_until_told()


def replay_from_zero(scene: Scene) -> None:
    """
    The adapter's disk is lost: it starts over from nothing, says the same as before, and what changes then stands.

    Of a register it knows now what came late then, so it may say other words for the same; lost once more, it must say these again.
    What changes and ends then does so on a date of which much was said before: revisions that begin anew with the disk are too low.
    """
    first, *others, last = scene.families()[:_FEW]
    with scene.adapter.running() as process:
        for size in (4, 7, 5):
            scene.tell(*(scene.is_now(serial, size=size) for serial in (first, *others, last)))
            scene.adapter.wait_told(process)
    for _ in range(2 if scene.source.concludes_ends else 1):
        scene.adapter.lose_disk()
        scene.source.tell_everything_again()
        scene.adapter.run_until_told()
    scene.tell(scene.is_now(first, size=9), *([scene.told(last, Says.ENDS)] if scene.source.can_end else []), *scene.new())
    scene.adapter.run_until_told()

"""
The scenarios: what real sources and real days do to an adapter, one function each, in the order in which they are played.

Why: each says in its docstring what is tried; together they are what a certificate vouches for.
Must not: judge what came of it, but where an adapter must show a state or put something aside: that is part of what is tried.
"""

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import psutil

from deploy.certify.adapter import DidNotHappen
from deploy.certify.checks import Scope
from deploy.certify.process import STEPS
from deploy.certify.scene import Scene
from deploy.certify.stand_ins import Lie
from deploy.certify.told import Says, month_after
from deploy.certify.writing import CannotBeSaid, Oddity

__all__ = ["Scenario", "scenarios"]

_HOUR = timedelta(hours=1)
_MANY = 10_000
_LATE_S = 90.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is tried: its name, what happens in it, and what an adapter may do more often than once for it."""

    name: str
    play: Callable[[Scene], None]
    scope: Scope = field(default_factory=Scope)

    @property
    def words(self) -> str:
        """What is tried, in one sentence."""
        return (self.play.__doc__ or "").strip().split("\n")[0]


def insert(scene: Scene) -> None:
    """Families are told of for the first time, some before the adapter's first start and some while it runs."""
    scene.tell(*scene.new(12))
    with scene.adapter.running() as process:
        scene.adapter.wait_told(process)
        scene.tell(*scene.new(3))
        scene.adapter.wait_told(process)


def update(scene: Scene) -> None:
    """Size and spending of families change, of one twice in a row."""
    first, second, *_ = scene.families()
    with scene.adapter.running() as process:
        scene.tell(scene.is_now(first, size=7), scene.is_now(second, expenditure=4_200_000), scene.is_now(first, size=5))
        scene.adapter.wait_told(process)
        scene.tell(scene.is_now(first, size=6))
        scene.adapter.wait_told(process)


def delete(scene: Scene) -> None:
    """A family is no more."""
    scene.tell(scene.told(scene.families()[-1], Says.ENDS))
    scene.adapter.run_until_told()


def comes_back(scene: Scene) -> None:
    """A family that was no more is there again."""
    gone = next(serial for serial, timeline in scene.source.truth.facts.items() if None in timeline.values())
    scene.tell(scene.is_now(gone, size=2))
    scene.adapter.run_until_told()


def key_move(scene: Scene) -> None:
    """A family moves to another village, and one to another regency where the source has several."""
    regencies = scene.declared.regencies
    villages = [village for regency in regencies[:2] for village in scene.source.villages[regency]][1:]
    for village in villages[:1] + villages[-1:]:
        scene.next_month()
        scene.tell(scene.is_now(scene.families()[-1], village=village))
        scene.adapter.run_until_told()


def partial_update(scene: Scene) -> None:
    """A change says nothing of spending: what was said of it before goes on."""
    if not scene.source.writer.can_leave_out_welfare:
        raise CannotBeSaid(what="nothing of welfare", why="its section has no `when`")
    scene.tell(scene.is_now(scene.families()[0], size=5, expenditure=None))
    scene.adapter.run_until_told()


def correction_of_the_past(scene: Scene) -> None:
    """What was said of a month long ago is corrected; what was said of later months stands."""
    serial, past = scene.families()[2], month_after(scene.month, -2)
    scene.tell(scene.is_now(serial, size=3))
    scene.adapter.run_until_told()
    scene.tell(scene.told(serial, fact=scene.is_now(serial, size=9).fact, since=past))
    scene.adapter.run_until_told()


def retraction(scene: Scene) -> None:
    """A statement turns out never to have been so."""
    if not scene.source.writer.can_retract:
        raise CannotBeSaid(what="that a statement was wrong", why="it declares no `retracted`")
    serial = scene.families()[1]
    scene.tell(scene.is_now(serial, size=11))
    scene.adapter.run_until_told()
    scene.tell(scene.told(serial, Says.NEVER_WAS))
    scene.adapter.run_until_told()


def duplicate(scene: Scene) -> None:
    """The source tells the same once more while the adapter runs."""
    with scene.adapter.running() as process:
        scene.tell(scene.is_now(scene.families()[0], size=4))
        scene.adapter.wait_told(process)
        scene.source.repeat()
        scene.adapter.wait_told(process)
        scene.adapter.wait_told(process)


def disorder(scene: Scene) -> None:
    """Changes of many families, several of each, are told in the reverse of their order."""
    changes = [scene.is_now(serial, size=size) for size in (2, 3, 4) for serial in scene.families()[:4]]
    scene.tell(*changes, disorder=True)
    scene.adapter.run_until_told()


def replay_from_zero(scene: Scene) -> None:
    """The adapter's disk is lost: it starts over from nothing, and says the same as before."""
    scene.adapter.lose_disk()
    scene.source.tell_everything_again()
    scene.adapter.run_until_told()
    scene.tell(*scene.new())
    scene.adapter.run_until_told()


def killed_at(step: str) -> Callable[[Scene], None]:
    """Return the scenario in which the adapter is killed at one of its steps, at the first time and at the second."""

    def killed(scene: Scene) -> None:
        serial = scene.families()[3]
        for times in (1, 2):
            scene.tell(scene.is_now(serial, size=times), *scene.new())
            with scene.adapter.running(die_at=step, die_times=str(times)) as process:
                scene.until(partial(_dead_or_told_more, scene, process), f"the adapter comes to the step `{step}`")
        scene.adapter.run_until_told()

    killed.__doc__ = f"The adapter is killed (SIGKILL) when it comes to: {step}; at the first time, then at the second."
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


def slow_broker(scene: Scene) -> None:
    """The broker stops answering for some seconds, again and again, while changes go on."""
    broker = psutil.Process(scene.services.kafka.pid)
    with scene.adapter.running() as process:
        scene.adapter.wait_told(process)
        for size in (3, 4, 5):
            broker.send_signal(signal.SIGSTOP)
            try:
                scene.tell(scene.is_now(scene.families()[6], size=size), *scene.new())
                _spooled(scene, 1)
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


def clock_ahead(scene: Scene) -> None:
    """The source's clock runs an hour ahead of everybody else's."""
    scene.tell(*(scene.is_now(serial, size=3) for serial in scene.families()[:3]), skew=_HOUR)
    scene.adapter.run_until_told()


def clock_set_back(scene: Scene) -> None:
    """A clock that ran an hour ahead is set right: changes then bear earlier times than those that were read before them."""
    with scene.adapter.running() as process:
        scene.tell(*scene.new(), skew=_HOUR)
        scene.adapter.wait_told(process)
        scene.tell(*scene.new())
        scene.adapter.wait_told(process)


def late_commit(scene: Scene) -> None:
    """A change appears ten seconds after the time that it bears, when later ones have long been read."""
    with scene.adapter.running() as process:
        scene.tell(*scene.new())
        scene.adapter.wait_told(process)
        delivered = scene.adapter.wait_told(process).delivered
        scene.tell(*scene.new(), skew=timedelta(seconds=-10))
        scene.until(
            lambda: (found := scene.adapter.status) is not None and found.delivered > delivered, "the late change is delivered", _LATE_S
        )
        scene.adapter.wait_told(process)


def many(scene: Scene) -> None:
    """A region's first load: ten thousand families at once, in bounded memory."""
    scene.tell(*scene.new(_MANY))
    with scene.adapter.running() as process:
        scene.adapter.wait_told(process, patience_s=120.0)


def odd(oddity: Oddity) -> Callable[[Scene], None]:
    """Return the scenario in which the source's records are odd in one way."""

    def told(scene: Scene) -> None:
        with scene.adapter.running() as process:
            before = scene.adapter.wait_told(process).quarantined
            (change,) = scene.new()
            scene.source.tell_odd(change, oddity)
            if oddity is Oddity.NEW_FIELD:
                scene.source.truth.note(change)
            found = scene.adapter.wait_told(process)
            if oddity is not Oddity.NEW_FIELD and found.quarantined <= before:
                raise DidNotHappen(wait_s=0.0, what="the record is put aside, with its cause")
            scene.tell(*scene.new())
            scene.adapter.wait_told(process)

    told.__doc__ = f"A record comes with {oddity}: it is read, or put aside with its cause, and the next one goes on."
    return told


def garbage(scene: Scene) -> None:
    """Something is told that is no record at all: it is put aside, and the next one goes on."""
    with scene.adapter.running() as process:
        before = scene.adapter.wait_told(process).quarantined
        scene.source.tell_garbage()
        scene.until(lambda: (found := scene.adapter.status) is not None and found.quarantined > before, "it is put aside, with its cause")
        scene.tell(*scene.new())
        scene.adapter.wait_told(process)


def lie(what: Lie) -> Callable[[Scene], None]:
    """Return the scenario in which the source answers what is not so."""

    def lied(scene: Scene) -> None:
        with scene.adapter.running() as process:
            before = scene.adapter.wait_told(process)
            with scene.source.lying(what):
                scene.until(lambda: _shows_it(scene, before.quarantined, what), "it is shown, as a state or in quarantine")
            scene.tell(*scene.new())
            scene.adapter.wait_told(process, patience_s=60.0)

    lied.__doc__ = f"The source answers with {what}: nothing of it is taken for true, and everything arrives when it is over."
    return lied


def _shows_it(scene: Scene, quarantined: int, what: Lie) -> bool:
    found = scene.adapter.status
    if found is None:
        return False
    if scene.source.lie_was_refused:
        return True
    return what is Lie.OLD_PAGE or found.state.startswith("waiting for source") or found.quarantined > quarantined


def scenarios(lies: tuple[Lie, ...]) -> list[Scenario]:
    """Return all scenarios in the order in which they are played; `lies` are those that the kind of source can be made to tell."""
    again = Scope(repeats=40)
    # What a clock that ran ahead has dated is read again at every start, until that time has come.
    after_clocks = Scope(repeats=8)
    return [
        Scenario("insert", insert),
        Scenario("update", update),
        Scenario("delete", delete),
        Scenario("a family comes back", comes_back, again),
        Scenario("key move", key_move, again),
        Scenario("partial update", partial_update),
        Scenario("correction of the past", correction_of_the_past, again),
        Scenario("retraction", retraction),
        Scenario("duplicate", duplicate, Scope(repeats=1)),
        Scenario("disorder", disorder, Scope(repeats=40, disorder=True)),
        *(Scenario(f"killed: {step}", killed_at(step), Scope(repeats=200)) for step in STEPS),
        Scenario("source down", source_down),
        Scenario("broker down", broker_down, again),
        Scenario("registry down", registry_down),
        Scenario("slow broker", slow_broker, again),
        Scenario("full spool", full_spool, again),
        Scenario("clock ahead", clock_ahead),
        Scenario("clock set back", clock_set_back, again),
        Scenario("late commit", late_commit, again),
        *(Scenario(str(oddity), odd(oddity), after_clocks) for oddity in Oddity),
        Scenario("no record at all", garbage, after_clocks),
        *(Scenario(str(one), lie(one), again) for one in lies),
        Scenario("many families", many, after_clocks),
        Scenario("disk lost, replay from zero", replay_from_zero, Scope(repeats_all=True, disorder=True)),
    ]

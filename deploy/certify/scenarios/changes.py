"""
What is said on good days and bad ones: new families, changes, moves, ends, corrections, in order and not, and a great many at once.

Why: each function is a scenario; its docstring says what is tried.
Must not: judge what came of it (checks.py does).
"""

from deploy.certify.scene import Scene
from deploy.certify.told import Says, month_after
from deploy.certify.writing import CannotBeSaid

_MANY = 10_000


def insert(scene: Scene) -> None:
    """Families are told of for the first time, some before the topics are made, for which the adapter waits, and some while it runs."""
    scene.tell(*scene.new(12))
    with scene.adapter.running() as process:
        try:
            scene.state_is("waiting for topic")
        finally:
            scene.make_topics()
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
    gone = next((serial for serial, timeline in scene.source.truth.facts.items() if None in timeline.values()), None)
    if gone is None:
        gone = scene.families()[-1]
        scene.tell(scene.told(gone, Says.ENDS))
        scene.adapter.run_until_told()
        scene.next_month()
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


def many(scene: Scene) -> None:
    """A region's first load: ten thousand families at once, in bounded memory."""
    scene.tell(*scene.new(_MANY))
    with scene.adapter.running() as process:
        scene.adapter.wait_told(process, patience_s=120.0)

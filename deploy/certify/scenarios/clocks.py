"""
Clocks that are wrong: the source's, and that of the adapter's own machine.

Why: each function is a scenario, or makes one; its docstring says what is tried.
Must not: set the clock of this machine.
"""

from collections.abc import Callable
from datetime import timedelta

from deploy.certify.scene import Scene

__all__ = ["HOUR", "clock_ahead", "clock_set_back", "late_commit", "own_clock"]

HOUR = timedelta(hours=1)
_LATE, _LATE_S = timedelta(seconds=10), 90.0


def clock_ahead(scene: Scene) -> None:
    """The source's clock runs an hour ahead of everybody else's."""
    scene.tell(*(scene.is_now(serial, size=3) for serial in scene.families()[:3]), skew=HOUR)
    scene.adapter.run_until_told()


def clock_set_back(scene: Scene) -> None:
    """A clock that ran an hour ahead is set right: changes then bear earlier times than those that were read before them."""
    with scene.adapter.running() as process:
        scene.tell(*scene.new(), skew=HOUR)
        scene.adapter.wait_told(process)
        scene.tell(*scene.new(village=scene.other_village), *scene.new())
        scene.adapter.wait_told(process)


def own_clock(wrong_by: timedelta) -> Callable[[Scene], None]:
    """Return the scenario in which the clock of the adapter's machine is set wrong by so much while it runs, and right again."""

    def played(scene: Scene) -> None:
        first, second, *_ = scene.families()
        with scene.adapter.running() as process:
            scene.tell(scene.is_now(first, size=4))
            scene.adapter.wait_told(process)
            scene.adapter.set_clock(wrong_by)
            # More than one answer holds: what lies beyond our own time must be read to its end all the same.
            scene.tell(scene.is_now(first, size=6), *scene.new(scene.source.at_once + 20), scene.is_now(first, size=2))
            if scene.source.refuses_by_clock(wrong_by):
                scene.state_is("receiving: requests refused: time outside the window")
            else:
                scene.adapter.wait_told(process)
            scene.adapter.set_clock()
            scene.tell(scene.is_now(first, size=8), scene.is_now(second, size=3), *scene.new())
            scene.adapter.wait_told(process)

    way = "ahead" if wrong_by > timedelta() else "behind"
    played.__doc__ = f"The clock of the adapter's own machine jumps, an hour {way}, and is set right again, all while it runs."
    return played


def late_commit(scene: Scene) -> None:
    """A change appears ten seconds after the time that it bears, or is committed late, when later ones have long been read."""
    late = scene.new(village=scene.other_village)
    with scene.adapter.running() as process:
        scene.tell(*scene.new())
        scene.adapter.wait_told(process)
        with scene.told_late(*late, by=_LATE):
            scene.tell(*scene.new())
            delivered = scene.adapter.wait_told(process).delivered
        scene.until(
            lambda: (found := scene.adapter.status) is not None and found.delivered > delivered, "the late change is delivered", _LATE_S
        )
        scene.adapter.wait_told(process)

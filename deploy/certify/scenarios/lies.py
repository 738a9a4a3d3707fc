"""
Sources that change without notice, write what is no record, lie, or refuse us.

Why: each function makes a scenario; its docstring says what is tried.
Must not: judge what came of it (checks.py does), but that it is shown: that is part of what is tried.
"""

from collections.abc import Callable

from deploy.certify.adapter import DidNotHappen
from deploy.certify.scene import Scene
from deploy.certify.stand_ins import Lie
from deploy.certify.writing import Oddity

_MENDS_ITSELF = (Lie.OLD_PAGE, Lie.TOKEN_GONE)
"""What an adapter copes with at once, so that there is nothing to show."""


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
    """Return the scenario in which the source answers what is not so, or refuses us."""

    def lied(scene: Scene) -> None:
        with scene.adapter.running() as process:
            before = scene.adapter.wait_told(process)
            scene.until(lambda: not _troubled(scene), "all is well")
            with scene.source.lying(what):
                scene.tell(*scene.new())
                if what not in _MENDS_ITSELF:
                    scene.until(lambda: _troubled(scene) or scene.quarantined > before.quarantined, "it is shown (a state, a quarantine)")
            scene.tell(*scene.new())
            scene.adapter.wait_told(process, patience_s=60.0)

    lied.__doc__ = f"The source answers with {what}: nothing of it is taken for true, and everything arrives when it is over."
    return lied


def _troubled(scene: Scene) -> bool:
    found = scene.adapter.status
    return found is not None and (found.state.startswith("waiting for source") or "requests refused" in found.state)

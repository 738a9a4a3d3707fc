"""
Sources that change without notice, write what is no record, lie, or refuse us.

Why: each function makes a scenario; its docstring says what is tried.
Must not: judge what came of it (checks.py does), but that it is shown: that is part of what is tried.
"""

import subprocess
from collections.abc import Callable, Collection, Mapping

from deploy.certify.adapter import DidNotHappen
from deploy.certify.oddities import Odd, Oddity
from deploy.certify.scene import Scene
from deploy.certify.stand_ins import Lie

Process = subprocess.Popen[bytes]

_MENDS_ITSELF = (Lie.OLD_PAGE, Lie.TOKEN_GONE)
"""What an adapter copes with at once, so that there is nothing to show."""
_LOOKED_AT = 80
"""Records after which surely one was looked at for new and missing fields, which is one in 64."""
_LEARNING_S = 60.0


def odd(oddity: Oddity) -> Callable[[Scene], None]:
    """Return the scenario in which the source's records are odd in one way."""

    def told(scene: Scene) -> None:
        with scene.adapter.running() as process:
            scene.adapter.wait_told(process)
            mode = scene.source.odd(scene.is_now(scene.families()[0]), oddity).mode
            if mode == "quarantine":
                _is_put_aside(scene, process, oddity)
            else:
                _goes_on(scene, process, oddity)
            scene.tell(*scene.new())
            scene.adapter.wait_told(process)

    told.__doc__ = f"A record comes with {oddity}: it is read, or put aside with its cause, that is told, and the next one goes on."
    return told


def _is_put_aside(scene: Scene, process: Process, oddity: Oddity) -> None:
    """Tell an odd change, and see that it is put aside for what is odd in it."""
    before, drifts = scene.adapter.put_aside, scene.adapter.drifts
    odd = _told_odd(scene, oddity)
    scene.adapter.wait_told(process)
    new = {one.field for one in scene.adapter.put_aside if one not in before}
    if not new & odd.fields:
        raise DidNotHappen(wait_s=0.0, what=f"the record is put aside for {_words(odd.fields)} (it was for {_words(new)})")
    if odd.kind is not None:
        _is_told(scene, drifts, odd)


def _goes_on(scene: Scene, process: Process, oddity: Oddity) -> None:
    """Tell odd changes, as many as are looked at one by one, and see that this is told; then tell them as they should have been."""
    if scene.source.has_header or not scene.source.shows_new_fields:
        _is_a_column(scene, process, oddity)
        return
    if (short := scene.adapter.learns_from) > 0:
        scene.tell(*scene.new(short))
        scene.adapter.wait_told(process, patience_s=_LEARNING_S)
    drifts, known = scene.adapter.drifts, set(scene.source.truth.facts)
    odd = _told_odd(scene, oddity, is_true=True)
    for _ in range(_LOOKED_AT):
        _told_odd(scene, oddity, is_true=True)
    scene.adapter.wait_told(process)
    _is_told(scene, drifts, odd)
    scene.tell(*(scene.is_now(serial) for serial in scene.source.truth.facts.keys() - known))


def _is_a_column(scene: Scene, process: Process, oddity: Oddity) -> None:
    """Tell an odd change by a new column, which is told of a file's header, and of a database is not even asked for."""
    before = scene.adapter.put_aside
    _told_odd(scene, oddity, is_true=True)
    scene.adapter.wait_told(process)
    if scene.source.has_header and "header" not in {one.field for one in scene.adapter.put_aside if one not in before}:
        raise DidNotHappen(wait_s=0.0, what="it is told that the header has columns that are not declared")


def _told_odd(scene: Scene, oddity: Oddity, *, is_true: bool = False) -> Odd:
    """Tell a change in an odd way, which may be true for all that."""
    (change,) = scene.new()
    odd = scene.source.odd(change, oddity)
    scene.source.tell_odd(change, odd)
    if is_true:
        scene.source.truth.note(change)
    return odd


def _is_told(scene: Scene, before: Mapping[tuple[str, str, str], int], odd: Odd) -> None:
    """See that a drift was told, in more records than before."""
    now = scene.adapter.drifts
    wanted = [(field, str(odd.kind), odd.mode) for field in odd.fields]
    if not any(now.get(one, 0) > before.get(one, 0) for one in wanted):
        seen = [" ".join(one) for one, count in now.items() if count > before.get(one, 0)]
        raise DidNotHappen(wait_s=0.0, what=f"drift is told: {_words(odd.fields)} {odd.kind} {odd.mode} (there was {_words(seen)})")


def _words(names: Collection[str]) -> str:
    return " or ".join(sorted(one or "a file as a whole" for one in names)) or "nothing"


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

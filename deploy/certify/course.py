"""
The course of a certification: services of its own, every scenario in its order, and what was found in each.

Why: one run, on one machine, with the real broker and registry, in minutes.
Must not: stop at the first failure: an author wants to know all of them at once.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from deploy.certify.adapter import OWN_CODE, PATIENCE_S, Adapter, DidNotHappen
from deploy.certify.scenarios import Scenario, scenarios
from deploy.certify.scene import HAPPENED, Finding, Scene, new_pseudonyms
from deploy.certify.stand_ins import StandIn
from deploy.certify.stand_ins.opening import kind_of_stand_in, stand_in_for
from deploy.certify.writing import CannotBeSaid
from deploy.embedded import EmbeddedServices, Progress
from producers.declaration import Declaration
from producers.region_file import read_region_file
from schemas.errors import Fatal

__all__ = ["Certificate", "Tried", "certify"]

_FIRST = "insert"
"""Every other scenario goes on from it, so it is always played."""
Tell = Callable[["Tried"], None]


class NoSuchScenario(Fatal):
    """{name} is no scenario of this kind of source{meant}: without --only all are played, and each is named"""


class PlaceNotFound(Fatal):
    """{file} has no line that begins with {key} = in [source]: write it so, a certification puts its own there"""


@dataclass(frozen=True, slots=True)
class Tried:
    """One scenario as it came out."""

    name: str
    words: str
    findings: Sequence[Finding]
    seconds: float
    not_applicable: str = ""
    """Why it could not be tried: the region file has no way to say it."""

    @property
    def held(self) -> bool:
        """Whether everything held."""
        return all(one.held for one in self.findings)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything that was tried of one region file, and whether it held."""

    file: str
    """The region file's name."""
    region: str
    source: str
    kind: str
    mapping_version: int
    digest: str
    """SHA-256 of the region file: a changed file is not the one that was certified."""
    tried: Sequence[Tried]
    left_out: Sequence[str]
    """Scenarios that were not played because only some were asked for: it is no certificate then."""
    peak_mb: float
    made_at: datetime
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything that was tried held."""
        return all(one.held for one in self.tried)

    @property
    def complete(self) -> bool:
        """Whether all was tried that there is."""
        return not self.left_out


def certify(
    region_file: Path,
    digest: str,
    progress: Progress,
    tell: Tell,
    command: Sequence[str] = OWN_CODE,
    only: Sequence[str] = (),
    services: EmbeddedServices | None = None,
    patience_s: float = PATIENCE_S,
) -> Certificate:
    """
    Play every scenario (or those named) against a region file's adapter, and return what was found; `tell` hears of each as it ends.

    `command` runs the adapter under certification; with `services` those are used, where the topics of these regencies must be new.
    Nothing is waited for longer than `patience_s`. Raises `RegionFileWrong`, and what the embedded services raise.
    """
    declared = read_region_file(region_file, None)
    kind = kind_of_stand_in(declared)
    every = scenarios(kind.lies_of(declared), kind.steps_of(declared))
    played = _chosen(every, only)
    made_at, began = datetime.now(UTC), time.monotonic()  # noqa: TID251 - when it was played; nothing depends on it
    with _scene(declared, region_file, progress, command, services) as scene:
        scene.adapter.patience_s = patience_s
        tried = []
        for one in played:
            tried.append(_played(one, scene))
            tell(tried[-1])
        return Certificate(
            file=region_file.name,
            region=declared.name,
            source=declared.source_id,
            kind=declared.source.kind,
            mapping_version=declared.mapping_version,
            digest=digest,
            tried=tried,
            left_out=[one.name for one in every if one not in played],
            peak_mb=scene.adapter.peak_mb,
            made_at=made_at,
            seconds=time.monotonic() - began,
        )


def _chosen(every: Sequence[Scenario], only: Sequence[str]) -> list[Scenario]:
    """Return the scenarios to play; raises `NoSuchScenario` for a name that there is not."""
    names = [one.name for one in every]
    for name in only:
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise NoSuchScenario(name=name, meant=f" (is `{near[0]}` meant?)" if near else "")
    return [one for one in every if not only or one.name in (_FIRST, *only)]


def _played(scenario: Scenario, scene: Scene) -> Tried:
    began = time.monotonic()
    scene.begin_scenario(scenario.scope)
    happened = Finding(HAPPENED, held=True)
    try:
        scenario.play(scene)
    except CannotBeSaid as error:
        return Tried(scenario.name, scenario.words, [], time.monotonic() - began, not_applicable=str(error))
    except DidNotHappen as error:
        happened = Finding(HAPPENED, held=False, words=[str(error)])
    return Tried(scenario.name, scenario.words, [happened, *scene.findings()], time.monotonic() - began)


@contextmanager
def _scene(
    declared: Declaration, region_file: Path, progress: Progress, command: Sequence[str], services: EmbeddedServices | None
) -> Iterator[Scene]:
    """Give a scene whose services run; nothing of it is left in the end."""
    with ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="muara-certify-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        if services is None:
            services = ends.enter_context(EmbeddedServices.start(folder / "services", fresh=True, progress=progress, wal_level="logical"))
            if services.folder is not None:
                ends.callback(shutil.rmtree, services.folder, ignore_errors=True)
        source = stand_in_for(declared, folder, services.addresses.database)
        ends.enter_context(source.running())
        pseudonyms, key = new_pseudonyms()
        filled = folder / region_file.name
        filled.write_text(_filled(region_file.read_text(encoding="utf-8"), source, region_file.name), encoding="utf-8")
        environ = {"MUARA_PSEUDONYM_KEY": key, **{name: value for name, value in source.placeholders.items() if name.isupper()}}
        adapter = Adapter(filled, environ, services.addresses, folder, command, lambda: source.all_taken, source.passes)
        yield Scene(declared, filled, services, source, adapter, pseudonyms, [key, *source.secrets])


def _filled(text: str, source: StandIn, file: str) -> str:
    """Return the region file with the stand-in's address and folder in place of the region's."""
    for key, value in source.placeholders.items():
        if not key.isupper():
            text = _with(text, key, value, file)
    for key, pace_s in source.paces.items():
        text = re.sub(rf"(?m)^{key}\s*=.*$", "", text)
        text = re.sub(r"(?m)^\[source\].*$", lambda found, told=f"\n{key} = {pace_s}": found[0] + told, text, count=1)  # type: ignore[misc]
    return text


def _with(text: str, key: str, value: str, file: str) -> str:
    filled, count = re.subn(rf"(?m)^(\s*{key}\s*=\s*).*$", lambda found: f'{found.group(1)}"{value}"', text, count=1)
    if not count:
        raise PlaceNotFound(file=file, key=key)
    return filled

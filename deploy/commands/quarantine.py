"""
`muara rejected ... --region FILE`: what an adapter put aside, why, and how it is mended and said after all.

Why: for whoever is on duty in a region it is the same work as at the office, in the same words.
Must not: need the office's services for it, or print a value of a record but masked.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.commands.context import NoServices, addresses, local_folder, settings
from deploy.commands.figures import Format
from deploy.secrecy import environment_for
from schemas.errors import Fatal, MuaraError
from schemas.signed import Signed

if TYPE_CHECKING:
    from deploy.commands.bar import Shown
    from processors.store.foreseeing import Foreseeing, Foreseen
    from producers.repair.match import Match
    from producers.repair.planning import Planned
    from producers.repair.repairing import Repairing
    from schemas.registry import Registry

__all__ = ["audit", "group", "list_", "match", "repair", "show"]

SHOWN = 10
"""Records that a preview shows one by one."""


class NoAdapterHere(Fatal):
    """no adapter of source {source} has worked in {folder}: run this where the adapter runs, with the same MUARA_DIRECTORY"""


def match(cause: str | None, field: str | None, since: datetime | None) -> "Match":
    """Return which entries are meant by the options of a command."""
    from producers.repair.match import Match

    day: date | None = since.date() if since else None
    return Match(cause=(cause,) if cause else (), field=(field,) if field else (), put_from=day)


def list_(region: Path, wanted: "Match", limit: int, form: Format) -> None:
    """Print what is in quarantine, the newest first."""
    from deploy.commands.quarantine_shown import print_entries
    from producers.repair.entries import listed

    print_entries(listed(_state_file(region), wanted, limit), form)


def group(region: Path, wanted: "Match", form: Format) -> None:
    """Print what is in quarantine, counted by field and cause."""
    from deploy.commands.quarantine_shown import print_groups
    from producers.repair.entries import grouped

    print_groups(grouped(_state_file(region), wanted), form)


def show(region: Path, which: str, form: Format) -> None:
    """Print one entry, the shape of its record, and what a repair could do; without the key all but the shape."""
    from deploy.commands.quarantine_shown import print_entry
    from producers.repair.entries import entry

    state_file = _state_file(region)
    found = entry(state_file, which)
    print_entry(found, _shape(region, state_file, found.mark, found.place) if found.kept else "is not kept", form)


def audit(region: Path, limit: int, by: str | None, form: Format) -> None:
    """Print who repaired what, when and why, the newest first."""
    from deploy.commands.quarantine_shown import print_audit
    from producers.repair.audit import audited

    print_audit(audited(_state_file(region), limit, by), form)


def repair(region: Path, file: Path, answering: tuple[str, str, str] | None, form: Format) -> None:
    """Show what a repair would say and change in the figures; or do it, where `answering` tells by whom, which account, and why."""
    from deploy.commands.bar import Shown
    from deploy.commands.quarantine_shown import print_preview, print_sent
    from producers.pseudonym import Pseudonyms
    from producers.repair.repairing import Repairing

    state_file = _state_file(region)
    environ = environment_for(region)
    pseudonyms = Pseudonyms.from_environ(environ)
    with Shown("records looked at") as bar, Repairing(file, region, state_file, pseudonyms, environ) as work:
        if answering is None:
            first, figures = _foreseen(work, bar)
            bar.stop()
            print_preview(work.counts, first, figures, form)
            return
        counts = work.send(Signed(*answering, work.mending.file_name, work.mending.digest), _registry, settings().spool_mb << 20, bar)
        bar.stop()
        print_sent(counts, form)
        if not work.mending.laid_over and form is Format.TABLE:
            print(f"run the adapter with {file} from now on: what it maps otherwise is put aside again")


def _foreseen(work: "Repairing", bar: "Shown") -> "tuple[list[Planned], Foreseen | str]":
    """Return the first repairs, and what all of them would change at the office, or why that cannot be told here."""
    from producers.repair.planning import Ready

    office = _office()
    first: list[Planned] = []
    for planned in work.plans(bar):
        first += planned[: SHOWN - len(first)]
        if not isinstance(office, str):
            for one in planned:
                office.add(one.plan.events if isinstance(one.plan, Ready) else ())
    try:
        return first, office if isinstance(office, str) else office.foreseen()
    except MuaraError as error:
        return first, str(error)


def _office() -> "Foreseeing | str":
    """Return the office's database where it is within reach, or in words why it is not; it is only read."""
    told = settings()
    try:
        database = told.database.get_secret_value() if told.database else addresses(told, database=False).database
    except NoServices:
        database = ""
    if not database:
        return "the office's database is not known here"
    import psycopg

    from processors.store.foreseeing import Foreseeing

    try:
        return Foreseeing(database)
    except (psycopg.Error, MuaraError) as error:
        return f"the office's database cannot be asked: {type(error).__name__}"


def _registry() -> "Registry":
    from schemas.registry import Registry

    return Registry(addresses(settings(), database=False).registry)


def _state_file(region: Path) -> Path:
    """Return the file of the adapter that a region file declares; raises `NoAdapterHere`."""
    from producers.region_file import read_region_file

    source, folder = read_region_file(region, None).source_id, local_folder(settings(), "adapters")
    found = folder / f"{source}.sqlite"
    if not found.exists():
        raise NoAdapterHere(source=source, folder=folder)
    return found


def _shape(region: Path, state_file: Path, mark: bytes, place: str) -> "Sequence[tuple[str, str, str]] | str":
    """Return the shape of an entry's record, or in words why it cannot be told."""
    from producers.faults import KeyMissing, PreviousKeyWrong, SealForeign, SealOfAnotherKey
    from producers.pseudonym import Pseudonyms
    from producers.repair.shape import shape_of
    from producers.sealed import opened
    from producers.told import record_of

    try:
        seal = Pseudonyms.from_environ(environment_for(region)).seal
    except (KeyMissing, PreviousKeyWrong) as error:
        return f"is sealed: {error}"
    with closing(sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)) as connection:
        try:
            found = opened(connection, mark, place, seal)
        except (SealForeign, SealOfAnotherKey) as error:
            return str(error)
    return shape_of(record_of(found[1])[0]) if found else "is not kept"

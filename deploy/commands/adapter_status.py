"""
`muara adapter status`: how one adapter stands, read from its file, whether it runs or not.

Why: who waits for a first load, or wonders why a region is silent, looks here and needs no address, key or log.
Must not: write to the file but a person's word, or ask a source or a broker.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from rich.table import Table

from deploy.commands.context import DEMO
from producers.backfill import per_s, remaining_s, words
from producers.checkpoint import AdapterStatus, StateFile, status
from producers.drift_log import Drifted, drifted
from producers.faults import StateFileForeign, masked
from producers.plausible_log import Identifiers, identifiers
from producers.quarantine import causes
from producers.region_change import settle as settled
from producers.shape import LEARNT, SOME
from producers.sources.webhook.memory import Received, Refused, received, refusals_of
from schemas.errors import Fatal

__all__ = ["NothingDone", "Standing", "as_told", "settle", "standing", "table"]

_LONGEST = 100
_NUMBER = re.compile(r"\d{16,}")
"""A card's number, or a person's: a source's own cursor may be made of one."""
_CAUSES = 5
_OLD = ", by the region file of before"


class NothingDone(Fatal):
    """no adapter of source {source} has worked in {folder}: run this where the adapter runs, with the same MUARA_DIRECTORY"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an adapter stands."""

    adapter: AdapterStatus
    runs: bool
    """Whether its process is there."""
    drift: tuple[Drifted, ...]
    aside: tuple[tuple[str, str, int], ...]
    """Field, cause and count of what was put aside most."""
    identifiers: Identifiers | None
    """How plausible the national identifiers are; None where none was looked at."""
    received: Received | None
    """Of a source that pushes: what was taken and refused."""


def standing(directory: Path, source: str) -> Standing:
    """
    Return how the adapter of a source stands by its file, in a folder of local data or in that of a demo that plays within.

    Raises `NothingDone` where there is none, `StateFileForeign` for what is no such file.
    """
    state = _file(directory, source)
    try:
        found = status(state)
        if found is None:
            raise StateFileForeign(file=state, why="another version")
        return Standing(
            found,
            found.pid > 0 and psutil.pid_exists(found.pid),
            tuple(drifted(state)),
            tuple(causes(state, _CAUSES)),
            identifiers(state),
            received(state),
        )
    except sqlite3.DatabaseError as error:
        raise StateFileForeign(file=state, why=str(error)) from error


def settle(directory: Path, source: str) -> None:
    """Note a person's word that what an older region file left out was read or sent again, or need not be; raises `NothingDone`."""
    with StateFile(_file(directory, source), source) as own, own.transaction() as connection:
        settled(connection)


def _file(directory: Path, source: str) -> Path:
    files = [folder / "adapters" / f"{source}.sqlite" for folder in (directory, directory / DEMO)]
    state = next((file for file in files if file.exists()), None)
    if state is None:
        raise NothingDone(source=source, folder=files[0].parent)
    return state


def as_told(one: Standing, now: datetime) -> Mapping[str, Any]:
    """Return it for machines; times in ISO 8601, times that are left in seconds, null where nobody can know."""
    load = one.adapter.backfill
    position = None if one.adapter.position is None else _hidden(one.adapter.position)
    told = asdict(one.adapter) | {"state": one.adapter.state, "runs": one.runs, "position": position}
    if load is not None:
        told["backfill"] = {name: value for name, value in told["backfill"].items() if name != "samples"}
        told["backfill"] |= {"per_s": per_s(load, now) if load.ended is None else None, "remaining_s": remaining_s(load, now)}
    told["aside"] = [{"field": field, "cause": cause, "count": count} for field, cause, count in one.aside]
    told["identifiers"] = asdict(one.identifiers) if one.identifiers else None
    return told | {"drift": [asdict(drift) for drift in one.drift], "received": asdict(one.received) if one.received else None}


def table(one: Standing, now: datetime) -> Table:
    """Return it for people."""
    shown = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in _rows(one, now):
        shown.add_row(name, value)
    return shown


def _rows(one: Standing, now: datetime) -> Iterator[tuple[str, str]]:
    found, load = one.adapter, one.adapter.backfill
    yield "source", found.source
    yield "process", f"{found.pid}" if one.runs else "does not run"
    yield "reading", found.reading
    yield "sending", found.sending
    yield "last asked", "never" if found.asked_at is None else f"{found.asked_at:%Y-%m-%d %H:%M:%S} UTC, {_ago(found.asked_at, now)}"
    if load is not None:
        yield "first load", words(load, now)
    if found.position is not None:
        yield "position", _short(_hidden(found.position))
    yield "in the spool", f"{found.spooled:,} events, {found.spooled_bytes / (1 << 20):,.1f} MB"
    yield "delivered", f"{found.delivered:,} events"
    yield "in quarantine", f"{found.quarantined:,} records and files"
    for field, cause, count in one.aside:
        yield "put aside", f"{count:,}: {field} {cause}".replace(":  ", ": ")
    if found.withheld:
        yield "withheld", f"{found.withheld:,} ENDs: correct the rows in quarantine"
    if found.region_change:
        yield "region file", found.region_change
    if one.identifiers is not None:
        yield "identifiers", _identifiers(one.identifiers)
    if one.received is not None:
        yield "received", _received(one.received)
        for refused in refusals_of(one.received):
            yield "refused", _refused(refused)
    for drift in one.drift:
        mode = drift.accepted or drift.mode
        yield "drift", f"{drift.field} {drift.kind.replace('_', ' ')}: {mode}, {drift.count:,} records{_OLD if drift.old else ''}"


def _identifiers(told: Identifiers) -> str:
    areas = f"{told.cards_of_unknown_area:,} and {told.persons_of_unknown_area:,} begin with an area that is none now"
    others = f"{told.other_sex:,} persons' say another sex than the record, {told.other_birth:,} another month of birth"
    looked = f"{told.cards:,} cards' and {told.persons:,} persons' numbers looked at (the first {LEARNT:,} records', then one in {SOME})"
    return f"{looked}: {areas}; {others}"


def _received(told: Received) -> str:
    last = f", the last one {told.last_taken_at:%Y-%m-%d %H:%M:%S} UTC" if told.last_taken_at else ""
    return f"{told.taken:,} requests, {told.repeated:,} of them known already, at {told.listening or 'no address yet'}{last}"


def _refused(one: Refused) -> str:
    answered = f" (HTTP {one.status}{', to be sent again' if one.sent_again else ''})" if one.status else ""
    return f"{one.requests:,} requests: {one.cause}{answered}"


def _ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was."""
    seconds = max(0.0, (now - moment).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _hidden(position: str) -> str:
    """Return a position without numbers that may be somebody's; the adapter's file must have it as the source told it."""
    return _NUMBER.sub(lambda found: masked(found[0]), position)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

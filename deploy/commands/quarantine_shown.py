"""
An adapter's quarantine, its repairs and their audit as a person reads them, or as CSV and JSON.

Why: what is printed is decided in one place, so that nothing else of a record can reach a terminal.
Must not: read or decide anything.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from deploy.commands.context import console_for
from deploy.commands.figures import Format
from deploy.commands.rejected_shown import named_figure, print_figures
from deploy.commands.rows import moment, print_rows
from processors.repair.planning import Outcome
from processors.store.foreseeing import Foreseen
from producers.authoring.expected import plain
from producers.repair.audit import Audited
from producers.repair.entries import Entry, Group
from producers.repair.planning import Planned, Ready
from producers.repair.repairing import Counts
from producers.repair.shape import repair_for
from schemas.events import HouseholdChanged, to_record
from schemas.topics import household_topic

__all__ = ["print_audit", "print_entries", "print_entry", "print_groups", "print_preview", "print_sent"]

_NOTHING = "nothing is in quarantine that is meant"


def print_entries(entries: Sequence[Entry], form: Format) -> None:
    """Print entries, a line each."""
    names = ("id", "put_at", "place", "field", "cause", "value", "kept")
    print_rows([_entry(one) for one in entries], names, form, _NOTHING)


def print_groups(groups: Sequence[Group], form: Format) -> None:
    """Print entries counted by field and cause, a line each."""
    names = ("count", "kept", "field", "cause", "values", "first_at", "last_at", "example")
    rows = [
        {
            "count": one.count,
            "kept": one.kept,
            "field": one.field,
            "cause": one.cause,
            "values": "; ".join(one.values),
            "first_at": one.first_at.isoformat(),
            "last_at": one.last_at.isoformat(),
            "example": one.example,
        }
        for one in groups
    ]
    print_rows(rows, names, form, _NOTHING)


def print_entry(entry: Entry, shape: Sequence[tuple[str, str, str]] | str, form: Format) -> None:
    """Print one entry, the shape of its record or why it cannot be told, and a repair file to begin with."""
    lines = repair_for(entry)
    if form is not Format.TABLE:
        record = None if isinstance(shape, str) else [{"path": path, "kind": kind, "masked": value} for path, kind, value in shape]
        told = {**_entry(entry), "record": record, "cannot_be_told": shape if isinstance(shape, str) else None, "repair": "\n".join(lines)}
        print_rows([told], tuple(told), form, "")
        return
    table = Table("", "", "", box=None, show_header=False)
    for name, value in _entry(entry).items():
        told_as = moment(value) if name == "put_at" else {True: "yes, sealed", False: "no"}.get(value, str(value))
        table.add_row(name, told_as, "")
    if isinstance(shape, str):
        table.add_row("record", shape, "")
    else:
        for path, kind, value in shape:
            table.add_row(f"record {path}", kind, value)
    console_for(sys.stdout).print(table)
    if lines:
        print("a repair file to begin with, for this and all like it; or a mended region file:", *lines, sep="\n  ")
    else:
        print("what can be done: mend the region file if it is at fault; else correct it at the source, and let it say it again")


def print_preview(counts: Counts, first: Sequence[Planned], figures: Foreseen | str, form: Format) -> None:
    """Print what a repair would do."""
    if form is Format.JSON:
        told = {**_counts(counts), "first": [_planned(one) for one in first], **_office(figures)}
        print(json.dumps(told, indent=1))
        return
    for one in first:
        print(*_lines(one), sep="\n")
    if counts.meant > len(first):
        print(f"and {counts.meant - len(first):,} more")
    _print_counts(counts)
    print(f"{counts.ready:,} records would be said, as {counts.events:,} events")
    if isinstance(figures, str):
        print(f"what they would change in the figures, the office can tell: {figures}")
    else:
        _print_office(figures)
    print("nothing was sent: --yes --reason TEXT sends")


def print_sent(counts: Counts, form: Format) -> None:
    """Print what a repair did."""
    if form is Format.JSON:
        print(json.dumps(_counts(counts), indent=1))
        return
    _print_counts(counts)
    print(f"{counts.ready:,} records repaired: {counts.events:,} events wait in the adapter's spool", end="")
    where = ", ".join(household_topic(one) for one in sorted(counts.regions))
    print(f" for {where}; the adapter sends them, now or when it is started" if counts.events else "")


def print_audit(rows: Sequence[Audited], form: Format) -> None:
    """Print repairs, a line each."""
    if form is not Format.TABLE:
        told = [one.as_dict() for one in rows]
        print_rows(told, tuple(told[0]) if told else ("id",), form, "")
        return
    table = Table("id", "repaired", "by", "account", "reason", "put aside as", "before", "after", "file", box=None)
    for one in rows:
        before = f"{one.field} {one.cause} (value {one.value})"
        after = "; ".join(map(_became, one.became))
        when = f"{one.repaired_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(one.id), when, one.by, one.account, one.reason, one.entry, before, after, f"{one.file} {one.file_sha256[:12]}")
    console_for(sys.stdout).print(table if rows else "nothing was repaired")


def _became(event: Mapping[str, Any]) -> str:
    told = f"{event['operation']} of {event['household']} from {event['valid_from']}, revision {event['revision']}"
    return f"{told}, says {', '.join(event['says'])}" if "says" in event else told


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "id": one.id,
        "put_at": one.put_at.isoformat(),
        "place": one.place,
        "field": one.field,
        "cause": one.cause,
        "value": one.value,
        "kept": one.kept,
    }


def _event(event: HouseholdChanged) -> dict[str, str]:
    """Return what an event holds, by field: what would leave the region."""
    return {name: plain(value) for name, value in to_record(event).items() if value is not None}


def _planned(one: Planned) -> dict[str, Any]:
    told = {**_entry(one.entry), "becomes": "said" if isinstance(one.plan, Ready) else "left"}
    if isinstance(one.plan, Ready):
        return told | {"events": [_event(event) for event in one.plan.events]}
    return told | {"why": one.plan.why}


def _lines(one: Planned) -> Iterable[str]:
    entry = one.entry
    yield f"{entry.id} before: {entry.field} {entry.cause} (value {entry.value}), put aside {entry.put_at:%Y-%m-%d %H:%M} in {entry.place}"
    if not isinstance(one.plan, Ready):
        yield f"{'':12} stays: {one.plan.why}"
        return
    for event in one.plan.events:
        yield f"{'':12} after: " + "; ".join(f"{name} {value}" for name, value in _event(event).items())


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "looked_at": counts.looked_at,
        "meant": counts.meant,
        "said": counts.ready,
        "events": counts.events,
        "others_meanwhile": counts.meanwhile,
        "left": dict(counts.left),
        "topics": [household_topic(one) for one in sorted(counts.regions)],
    }


def _print_counts(counts: Counts) -> None:
    print(f"{counts.looked_at:,} in quarantine, {counts.meant:,} of them meant")
    for why, count in counts.left.most_common():
        print(f"{count:,} stay: {why}")
    if counts.meanwhile:
        print(f"{counts.meanwhile:,} are others meanwhile: corrected, said again, or repaired by somebody else; run it again")


def _office(figures: Foreseen | str) -> dict[str, Any]:
    if isinstance(figures, str):
        return {"office": figures}
    effect = figures.effect
    return {
        "outcomes": {outcome.name.lower(): sum(one is outcome for one in effect.outcomes) for outcome in Outcome},
        "would_be_rejected": dict(figures.rejected),
        "households_changed": effect.households,
        "batches_to_fold": effect.to_fold,
        "figures": [{"before": named_figure(one.before), "after": named_figure(one.after)} for one in effect.figures],
    }


def _print_office(figures: Foreseen) -> None:
    effect = figures.effect
    done = {outcome: sum(one is outcome for one in effect.outcomes) for outcome in Outcome}
    print(f"at the office {done[Outcome.CHANGES]:,} would change what is held, {done[Outcome.HELD]:,} are held already,", end=" ")
    print(f"{done[Outcome.OLDER]:,} lose against a newer statement; {effect.households:,} households would change")
    for why, count in figures.rejected.most_common():
        print(f"{count:,} would be rejected there: {why}")
    print_figures(effect.figures)
    if effect.to_fold:
        print(f"{effect.to_fold:,} batches wait for the fold: the figures, before and after, do not hold them yet")

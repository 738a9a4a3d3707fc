"""
Rejected events, repairs and their audit as a person reads them, or as CSV and JSON.

Why: what is printed is decided in one place, so that nothing else of an event can reach a terminal.
Must not: read or decide anything.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from deploy.commands.context import console_for
from deploy.commands.figures import Format
from deploy.commands.rows import print_rows, text
from processors.admission import Record
from processors.repair.causes import REPAIRS
from processors.repair.fields import described
from processors.repair.mending import Change, Left
from processors.repair.planning import Outcome, Ready, Refused
from processors.store.effect import Moved
from processors.store.figures import Figure
from processors.store.letters import Group, Letter
from processors.store.repairing import Counts, Planned, Preview, Unread
from processors.store.repairs import Audited

__all__ = [
    "named_figure",
    "print_audit",
    "print_figures",
    "print_groups",
    "print_letters",
    "print_one",
    "print_preview",
    "print_sent",
]

_MEASURES = ("households", "people", "poor_people", "p0", "p1", "mean_expenditure")


def print_letters(letters: Sequence[Letter], form: Format) -> None:
    """Print dead letters, a line each."""
    names = ("id", "topic", "partition", "offset", "arrived_at", "cause", "field", "message", "repaired")
    print_rows([one.as_dict() for one in letters], names, form, "nothing was rejected that is not repaired")


def print_groups(groups: Sequence[Group], form: Format) -> None:
    """Print groups of dead letters, a line each."""
    names = ("count", "cause", "field", "topic", "first_at", "last_at", "example")
    print_rows([one.as_dict() for one in groups], names, form, "nothing was rejected that is not repaired")


def print_one(letter: Letter, record: Record | Unread, repairs: Sequence[Audited], form: Format) -> None:
    """Print one dead letter, what its event holds, what a repair could do, and what was done."""
    event = described(record) if isinstance(record, Record) else {}
    told = {
        **letter.as_dict(),
        "sha256": letter.digest.hex(),
        "event": event or None,
        "cannot_be_read": record.why if isinstance(record, Unread) else None,
        "repair": REPAIRS.get(letter.cause, "no repair is known for this cause"),
        "repairs": [one.as_dict() for one in repairs],
    }
    if form is not Format.TABLE:
        print_rows([told], tuple(told), form, "")
        return
    table = Table("", "", box=None, show_header=False)
    for name in ("id", "topic", "partition", "offset", "arrived_at", "cause", "field", "message", "repaired"):
        table.add_row(name, text(told[name]))
    for name, value in event.items():
        table.add_row(f"event {name}", value)
    if isinstance(record, Unread):
        table.add_row("event", f"cannot be read: {record.why}")
    table.add_row("what can be done", REPAIRS.get(letter.cause, "no repair is known for this cause"))
    for one in repairs:
        table.add_row(f"repair {one.id}", _audit_line(one))
    console_for(sys.stdout).print(table)


def print_preview(preview: Preview, form: Format) -> None:
    """Print what a repair would do."""
    counts, effect = preview.counts, preview.effect
    done = {outcome.name.lower(): sum(one is outcome for one in effect.outcomes) for outcome in Outcome}
    if form is Format.JSON:
        told = {
            **_counts(counts),
            "would_be_sent": counts.ready,
            "outcomes": done,
            "households_changed": effect.households,
            "batches_to_fold": effect.to_fold,
            "first": [_planned(one, outcome) for one, outcome in preview.first],
            "figures": [{"before": named_figure(one.before), "after": named_figure(one.after)} for one in effect.figures],
        }
        print(json.dumps(told, indent=1))
        return
    for one, outcome in preview.first:
        print(_planned_line(one, outcome))
    if counts.read > len(preview.first):
        print(f"and {counts.read - len(preview.first):,} more")
    _print_counts(counts)
    print(f"{counts.ready:,} would be sent: {done['changes']:,} change what is held, {done['held']:,} are held already,", end=" ")
    print(f"{done['joins']:,} only say that a household has two names,", end=" ")
    print(f"{done['older']:,} lose against a newer statement; {effect.households:,} households would change")
    print_figures(effect.figures)
    if effect.to_fold:
        print(f"{effect.to_fold:,} batches wait for the fold: the figures, before and after, do not hold them yet")
    print("nothing was sent: --yes --reason TEXT sends")


def print_sent(counts: Counts, form: Format) -> None:
    """Print what a repair did."""
    if form is Format.JSON:
        print(json.dumps({**_counts(counts), "sent": counts.ready}, indent=1))
        return
    _print_counts(counts)
    print(f"{counts.ready:,} sent: muara rejected audit tells where to")


def print_audit(rows: Sequence[Audited], form: Format) -> None:
    """Print repairs, a line each."""
    told = [one.as_dict() for one in rows]
    if form is not Format.TABLE:
        names = tuple(told[0]) if told else ("id",)
        print_rows(told, names, form, "")
        return
    table = Table("id", "sent", "by", "account", "reason", "rejected", "cause", "what changed", "repaired", "file", box=None)
    for one in rows:
        table.add_row(
            str(one.id),
            f"{one.sent_at:%Y-%m-%d %H:%M:%S}" if one.sent_at else "broken off",
            one.by,
            one.account,
            one.reason,
            f"{one.topic}:{one.partition}:{one.offset}",
            one.cause,
            _changes(one.changes),
            f"{one.sent_topic}:{one.sent_partition}:{one.sent_offset}" if one.sent_at else "perhaps",
            f"{one.file_name} {one.file_digest.hex()[:12]}",
        )
    console_for(sys.stdout).print(table if rows else "nothing was repaired")


def _changes(changes: Iterable[Mapping[str, str]]) -> str:
    return "; ".join(f"{one['field']} {one['before']} -> {one['after']}" for one in changes) or "sent as it was"


def _named(changes: Iterable[Change]) -> list[dict[str, str]]:
    return [{"field": one.field, "how": one.how, "before": one.before, "after": one.after} for one in changes]


def _audit_line(one: Audited) -> str:
    how = _changes(one.changes)
    if one.sent_at is None:
        return f"begun {one.begun_at:%Y-%m-%d %H:%M} by {one.by} and broken off, perhaps sent ({one.reason}): {how}"
    to = f"{one.sent_topic}:{one.sent_partition}:{one.sent_offset}"
    return f"{one.sent_at:%Y-%m-%d %H:%M} by {one.by} ({one.reason}): {how}; sent as {to}"


def _planned(one: Planned, outcome: Outcome | None) -> dict[str, Any]:
    letter, plan = one.letter, one.plan
    told: dict[str, Any] = {"id": letter.id, "rejected": f"{letter.topic}:{letter.partition}:{letter.offset}", "cause": letter.cause}
    if isinstance(plan, Unread):
        return told | {"becomes": "unread", "why": plan.why}
    if isinstance(plan, Left):
        return told | {"becomes": "left", "why": f"{plan.field} {plan.why}".strip()}
    told |= {"topic": plan.mended.record.regency, "changes": _named(plan.mended.changes), "event": described(plan.mended.record)}
    if isinstance(plan, Refused):
        return told | {"becomes": "rejected", "why": plan.message}
    return told | {"becomes": "sent", "why": outcome.value if outcome else ""}


def _planned_line(one: Planned, outcome: Outcome | None) -> str:
    told = _planned(one, outcome)
    how = _changes(told["changes"]) if "changes" in told else ""
    words = {"unread": "cannot be read", "left": "is left", "rejected": "would be rejected again", "sent": "would be sent"}
    said = ""
    if isinstance(one.plan, Ready):
        event = told["event"]
        said = f"; household {event['household']} by {event['source']} from {event['valid_from']}"
    return f"{told['rejected']} {words[told['becomes']]}{': ' + how if how else ''}{said}; {told['why']}"


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "read": counts.read,
        "not_meant": counts.not_meant,
        "already_repaired": counts.already_repaired,
        "begun_before": counts.begun_before,
        "left": dict(counts.left),
    }


def _print_counts(counts: Counts) -> None:
    print(f"{counts.read:,} rejected events read")
    if counts.not_meant:
        print(f"{counts.not_meant:,} are not meant: of another source or value")
    if counts.already_repaired:
        print(f"{counts.already_repaired:,} are already repaired, as the audit says: --again repairs them once more")
    if counts.begun_before:
        print(f"{counts.begun_before:,} of them were begun by a repair that was broken off: sent twice they count once")
    for why, count in counts.left.most_common():
        print(f"{count:,} {why}")


def print_figures(figures: Sequence[Moved]) -> None:
    """Print which figures of regencies would change."""
    if not figures:
        print("no figure of a regency would change")
        return
    table = Table("region", "name", "from month", "measure", "now", "then", box=None)
    for one in figures:
        before, after = one.before.as_dict(), one.after.as_dict()
        for name in _MEASURES:
            if before[name] != after[name]:
                table.add_row(
                    one.before.region, one.before.region_name, str(before["month"]), name, _figure(before[name]), _figure(after[name])
                )
    console_for(sys.stdout).print(table)


def named_figure(one: Figure) -> dict[str, Any]:
    """Return a figure by name; whether its line is stale does not depend on events, and is not asked for here."""
    return {name: value for name, value in one.as_dict().items() if name != "line_is_stale"}


def _figure(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value is None else f"{value:.5f}" if isinstance(value, float) and value < 100 else f"{value:,.0f}"

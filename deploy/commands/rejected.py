"""
`muara rejected`: what was rejected, why, and how it is mended and sent again.

Why: nothing fails silently, so whoever is on duty sees each fault with its remedy, tries a repair without risk, and leaves a trace.
Must not: send anything unless that is asked for by name, or print a value that may be personal.
"""

import os
import pwd
import re
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.context import addresses, connected, settings
from deploy.commands.figures import Format
from schemas.errors import Retriable
from schemas.signed import Signed

if TYPE_CHECKING:
    from processors.admission import Record
    from processors.store.letters import Filters

__all__ = ["rejected"]

rejected = typer.Typer(help="Events rejected or put aside, and their repair.", no_args_is_help=True)

_NATIONAL_IDENTIFIER = re.compile("[0-9]{16}")

Cause = Annotated[str | None, typer.Option(metavar="CAUSE", help="Only this cause, such as village_unknown.")]
FieldAtFault = Annotated[str | None, typer.Option("--field", metavar="FIELD", help="Only this field, such as residence.village.")]
Topic = Annotated[str | None, typer.Option(metavar="TOPIC", help="Only this topic, such as muara.31.74.household.v1.")]
Since = Annotated[
    datetime | None, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Only what arrived on this day (UTC+9) or later.")
]
All = Annotated[bool, typer.Option("--all", help="Also those that are repaired.")]
Form = Annotated[Format, typer.Option("--format", help="How to print.")]
Region = Annotated[
    Path | None,
    typer.Option(
        "--region",
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="FILE",
        help="Where an adapter runs: its region file. Looked at is what it put aside, instead of what the office rejected.",
    ),
]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")]


@rejected.command("list")
def list_rejected(
    limit: Limit = 50,
    cause: Cause = None,
    field: FieldAtFault = None,
    topic: Topic = None,
    since: Since = None,
    everything: All = False,
    region: Region = None,
    form: Form = Format.TABLE,
) -> None:
    """
    List rejected events, the newest first.

    Of each where it stands in its topic, the field, the cause and the remedy; never the value. With --region FILE: records that the
    region's adapter put aside, with field, cause and masked value, and whether the record is kept for repair.
    """
    if region is not None:
        _only_at_the_office(topic=topic, all=everything)
        from deploy.commands import quarantine

        quarantine.list_(region, quarantine.match(cause, field, since), limit, form)
        return
    from deploy.commands.rejected_shown import print_letters
    from processors.store.letters import listed

    with connected(addresses(settings()), any_catalogue=True) as connection:
        print_letters(listed(connection, _filters(cause, field, topic, since, everything), limit), form)


@rejected.command("group")
def group_rejected(
    cause: Cause = None,
    field: FieldAtFault = None,
    topic: Topic = None,
    since: Since = None,
    everything: All = False,
    region: Region = None,
    form: Form = Format.TABLE,
) -> None:
    """
    Count rejected events by cause, field and topic.

    Of each group when the first and the last arrived, and where the last one stands. With --region FILE: what the region's adapter put
    aside, by field and cause, and of how many the record is kept for repair.
    """
    if region is not None:
        _only_at_the_office(topic=topic, all=everything)
        from deploy.commands import quarantine

        quarantine.group(region, quarantine.match(cause, field, since), form)
        return
    from deploy.commands.rejected_shown import print_groups
    from processors.store.letters import grouped

    with connected(addresses(settings()), any_catalogue=True) as connection:
        print_groups(grouped(connection, _filters(cause, field, topic, since, everything)), form)


@rejected.command("show")
def show_rejected(
    which: Annotated[str, typer.Argument(metavar="WHICH", help="Its id, or topic:partition:offset.")],
    region: Region = None,
    form: Form = Format.TABLE,
) -> None:
    """
    Show one rejected event, and what a repair could do.

    The event is read again from its topic. Pseudonyms, codes and dates are shown, of anything else only its shape. With --region FILE:
    the shape of a record that was put aside (paths, kinds, masked values), which needs the adapter's key, and a repair file to begin with.
    """
    if region is not None:
        from deploy.commands import quarantine

        quarantine.show(region, which, form)
        return
    from deploy.commands.rejected_shown import print_one
    from processors.store.letters import letter
    from processors.store.repairing import Letters, Unread
    from processors.store.repairs import of_letter
    from schemas.registry import Registry

    where = addresses(settings())
    with connected(where, any_catalogue=True) as connection, closing(Registry(where.registry)) as registry:
        found = letter(connection, which)
        record: Record | Unread
        with closing(Letters(where.kafka, registry)) as letters:
            try:
                ((_, record),) = letters.read([found])
            except Retriable as error:  # the rest of what is known can be told all the same
                record = Unread(str(error))
        print_one(found, record, of_letter(connection, found), form)


@rejected.command("repair")
def repair_rejected(
    file: Annotated[
        Path,
        typer.Option(
            "--with",
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="FILE",
            help="The repair file, in TOML; with --region a mended region file, too.",
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be. This is so without --yes, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send the repaired events.")] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit; needed with --yes.")] = "",
    by: Annotated[str, typer.Option(metavar="NAME", help="Who answers for it, for the audit; without it the account's name.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Also those that are repaired already.")] = False,
    region: Region = None,
    form: Form = Format.TABLE,
) -> None:
    """
    Mend rejected events by a file, and send them again.

    Without --yes nothing is sent: shown is what the events would be, which would still be rejected, and what would change in the figures.
    With --region FILE: what the region's adapter put aside is mapped again, by a mended region file or by a repair file that says only
    what differs ([match] and [mapping]); the adapter sends it. Needs the adapter's key.
    """
    answering = _answering(by, reason, yes=yes, dry_run=dry_run)
    if form is Format.CSV:
        raise typer.BadParameter("is table or json here", param_hint="'--format'")
    if region is not None:
        _only_at_the_office(again=again)
        from deploy.commands import quarantine

        quarantine.repair(region, file, answering, form)
        return
    _repair_at_the_office(file, answering, form, again=again)


def _answering(by: str, reason: str, *, yes: bool, dry_run: bool) -> tuple[str, str, str] | None:
    """Return who answers for a repair, under which account, and why; None where it is only shown."""
    if yes and dry_run:
        raise typer.BadParameter("does not go together with --dry-run", param_hint="'--yes'")
    signature = _signature(by) if yes else None
    if yes and not reason.strip():
        raise typer.BadParameter("is needed with --yes: the audit keeps why events were repaired", param_hint="'--reason'")
    if _NATIONAL_IDENTIFIER.search(reason + "\n" + by):
        raise typer.BadParameter("holds 16 digits in a row, the shape of a national identifier", param_hint="'--reason' or '--by'")
    return (*signature, reason.strip()) if signature else None


def _repair_at_the_office(file: Path, answering: tuple[str, str, str] | None, form: Format, *, again: bool) -> None:
    """Show what a repair of rejected events would do; or do it, where `answering` tells by whom, which account, and why."""
    from deploy.commands.bar import Shown
    from deploy.commands.rejected_shown import print_preview, print_sent
    from processors.repair.repair_file import digest_of, read_repair_file
    from processors.settings import WorkerSettings
    from processors.store.repairing import Repairing
    from schemas.registry import Registry

    content = file.read_bytes()
    declared = read_repair_file(file.name, content)
    where = addresses(settings())
    with (
        connected(where) as connection,
        closing(Registry(where.registry)) as registry,
        Shown("rejected events read") as shown,
        Repairing(connection, WorkerSettings(where.kafka, where.registry, where.database), registry, declared, again=again) as repairing,
    ):
        if answering is None:
            preview = repairing.preview(shown)
            shown.stop()
            print_preview(preview, form)
        else:
            counts = repairing.send(Signed(*answering, file.name, digest_of(content)), shown)
            shown.stop()
            print_sent(counts, form)


@rejected.command("audit")
def audit_repairs(
    limit: Limit = 50,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person answers for.")] = None,
    topic: Topic = None,
    region: Region = None,
    form: Form = Format.TABLE,
) -> None:
    """
    Print who repaired what, when, why and how.

    The newest first. A repair without a time was broken off: its event was perhaps sent. With --region FILE: repairs of what the region's
    adapter put aside, as its own file keeps them.
    """
    if region is not None:
        _only_at_the_office(topic=topic)
        from deploy.commands import quarantine

        quarantine.audit(region, limit, by, form)
        return
    from deploy.commands.rejected_shown import print_audit
    from processors.store.repairs import audit

    with connected(addresses(settings()), any_catalogue=True) as connection:
        print_audit(audit(connection, limit, by, topic), form)


def _only_at_the_office(**options: object) -> None:
    """Refuse options that mean nothing for an adapter's quarantine."""
    for name, given in options.items():
        if given:
            raise typer.BadParameter("is for what the office rejected, and does not go together with --region", param_hint=f"'--{name}'")


def _filters(cause: str | None, field: str | None, topic: str | None, since: datetime | None, everything: bool) -> "Filters":
    from processors.store.letters import Filters

    day: date | None = since.date() if since else None
    return Filters(cause=cause, field=field, topics=[topic] if topic else None, since=day, repaired=everything)


def _signature(by: str) -> tuple[str, str]:
    """Return who answers for a repair, and the account that it runs under, which nobody can choose; root names nobody."""
    try:
        account = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        account = f"uid {os.getuid()}"
    if not by.strip() and os.getuid() == 0:
        raise typer.BadParameter(f"is needed: the account {account} names nobody", param_hint="'--by'")
    return by.strip() or account, account

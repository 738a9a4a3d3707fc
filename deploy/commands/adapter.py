"""
`muara adapter`: begin a region file, check it, run its adapter, see how it stands and its source drifts, send again after mending.

Why: a region is one file; these are all that its author needs.
Must not: import Faust or PostgreSQL: an adapter runs at a region's edge.
"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.context import addresses, console_for, local_folder, settings
from deploy.secrecy import environment_for, no_core_dumps, seclude
from deploy.settings import SECRETS, meant_by
from schemas.errors import Fatal

if TYPE_CHECKING:
    from producers.settings import AdapterSettings

__all__ = ["app"]

app = typer.Typer(help="A region's adapter: begin its file, check it, run it.", no_args_is_help=True)
RegionFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE", help="The region file (TOML).")]


class NotAMoment(Fatal):
    """{text} is no moment: give one such as 2024-03-01 or 2024-03-01T08:00:00+07:00"""


class NothingSent(Fatal):
    """no adapter of source {source} has worked in {folder}: run this where the adapter runs, with the same MUARA_DIRECTORY"""


class NameRefused(Fatal):
    """{file} names {name}, which every command takes for a mistyped {meant}: begin the name with MUARA_ and the region's own name"""


class SourceKind(StrEnum):
    """The kinds of source that a region file can be of."""

    REST = "rest"
    POSTGRES = "postgres"
    FILES = "files"
    WEBHOOK = "webhook"


class Goes(StrEnum):
    """How a frozen adapter may go on."""

    EVOLVE = "evolve"
    DISCARD = "discard"
    QUARANTINE = "quarantine"


class NameMissing(Fatal):
    """a region file needs a name for people: give the region's or the system's, such as Kota Contoh"""


class FileThere(Fatal):
    """{file} is there already: give another name with --out, or remove it first"""


class FileNotMade(Fatal):
    """{file} cannot be written ({why}): give another name with --out"""


@app.callback()
def _keep_secrets() -> None:
    """Before any of these commands does anything: no core dump, and no key where others see it."""
    no_core_dumps()
    seclude(SECRETS)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The region's name, or the system's.")],
    source: Annotated[SourceKind, typer.Option(help="How the system can be read.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write it; without it it is printed.")] = None,
) -> None:
    """
    Begin a region file, commented.

    What is still to be filled in stands in <...>, and check tells it. rest: a change feed over HTTP. postgres: a database.
    files: a folder of snapshots. webhook: a system that calls us.
    """
    from producers.authoring.starting import starting_file

    if not any(map(str.isalnum, name)):
        raise NameMissing
    text = starting_file(name, source.value)
    if out is None:
        print(text, end="")
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise FileThere(file=out) from None
    except OSError as error:
        raise FileNotMade(file=out, why=error.strerror) from error
    print(f"{out}: fill in what stands in <...>, then: muara adapter check {out}")


@app.command()
def run(file: RegionFile) -> None:
    """
    Publish the changes of a region's system, until Ctrl-C.

    Needs MUARA_PSEUDONYM_KEY or MUARA_PSEUDONYM_KEY_FILE, and the environment variables that the region file names.
    """
    from producers.runner import run as work

    sys.exit(work(file, _adapter_settings(file)))


@app.command()
def check(
    file: RegionFile,
    sample: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="SAMPLE", help="To try it on: an answer, file, body or rows of the source."),
    ] = None,
    shown: Annotated[int, typer.Option(min=1, metavar="N", help="How many records of the sample to show.")] = 3,
) -> None:
    """
    Tell every mistake of a region file at once.

    Runs its examples, and shows what the records of a sample become, and what of them is dropped. No source is asked, and nothing is sent.
    Exit code 0: in order; 1: an example, or a record of the sample, is not as it should be; 2: the file has mistakes.
    """
    from deploy.reference.regions import district_areas
    from producers.check import check as checked

    settings()  # what run would refuse is refused here
    found = checked(file, environment_for(file), sample, shown, district_areas())
    for name in found.unset:
        if meant := meant_by(name):
            raise NameRefused(file=file, name=name, meant=meant)
    print(found)
    sys.exit(0 if found.in_order else 1)


@app.command()
def drift(
    file: RegionFile,
    accept: Annotated[str | None, typer.Option(metavar="FIELD", help="Let an adapter that this field froze go on.")] = None,
    goes: Annotated[Goes, typer.Option("--as", help="With --accept: what is done with what froze it from now on.")] = Goes.EVOLVE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """
    Show how the source has changed.

    New and missing fields, changed types, new codes: of each the field, what the adapter does about it, since when and in how many
    records; never a value.
    """
    from deploy.commands.adapter_drift import let_go_on, seen, still_learning, table
    from producers.region_file import read_region_file

    declared = read_region_file(file, None)
    state = local_folder(settings(), "adapters") / f"{declared.source_id}.sqlite"
    if accept is not None:
        let_go_on(file, state, declared.source_id, accept, goes.value)
        print(f"{accept}: {goes.value}; the adapter goes on within a second, or when it is started")
        return
    rows = seen(state, declared.source_id)
    if as_json:
        for row in rows:
            print(json.dumps(asdict(row), default=str))
        return
    console_for(sys.stdout).print(table(rows))
    if not declared.drift.known and (learning := still_learning(state)):
        print(learning)
    _tell_region_change(state)


@app.command()
def status(
    file: RegionFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    settled: Annotated[
        bool, typer.Option("--settled", help="Say that all was read or sent again since the region file changed, or need not be.")
    ] = False,
) -> None:
    """
    Show how an adapter stands, running or not.

    What it reads and sends, how far a first load is and how long it will still take, what waits, what was delivered, put aside or refused.
    """
    from deploy.commands.adapter_status import as_told, settle, standing, table
    from producers.region_file import read_region_file

    source_id = read_region_file(file, None).source_id
    if settled:
        settle(settings().directory, source_id)
    found, now = standing(settings().directory, source_id), datetime.now(UTC)  # noqa: TID251 - the command's shell
    if as_json:
        print(json.dumps(as_told(found, now), default=lambda one: one.isoformat()))
        return
    console_for(sys.stdout).print(table(found, now))


@app.command()
def resend(
    file: RegionFile,
    since: Annotated[
        str, typer.Option(metavar="MOMENT", help="From when on, such as 2024-03-01 or 2024-03-01T08:00:00+07:00; UTC unless said.")
    ],
) -> None:
    """
    Send again after the mapping was mended.

    What the source told from a moment on is read and mapped anew. Raise the mapping's version first: the greater one wins.
    """
    from producers.region_file import read_region_file
    from producers.runner import resend as work

    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise NotAMoment(text=since) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    told = _adapter_settings(file)
    print(f"{work(file, told, moment)} events sent again")
    _tell_region_change(told.state_file(read_region_file(file, None).source_id))


@app.command()
def receipt(
    file: RegionFile,
    out: Annotated[Path | None, typer.Option("--out", dir_okay=False, metavar="RECEIPT", help="Write it for the office here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """
    Prove what was sent: count it, and compute its hash chain anew.

    The topics are read again for it. Exit code 0 only if all that the adapter's file says was sent lies there, to the byte.
    """
    from deploy.commands.receipts import as_told, tell, written
    from producers.ledger import receipt_of
    from producers.region_file import read_region_file
    from producers.rereading import Rereader, prove, with_topic_ids

    told, source = settings(), read_region_file(file, None).source_id
    where = addresses(told, database=False)
    made = receipt_of(local_folder(told, "adapters") / f"{source}.sqlite")
    if made is None:
        raise NothingSent(source=source, folder=told.directory / "adapters")
    if out:
        written(made, out)  # whoever may not read the topics can give it to the office all the same
    with Rereader(where.kafka) as reader:
        made = with_topic_ids(made, reader.topic_ids(sorted({one.topic for one in made.chains})))
        if out:
            written(made, out)
        found = prove(reader, made)
    holds = all(one.holds for one in found.values())
    _tell_region_change(local_folder(told, "adapters") / f"{source}.sqlite")
    if as_json:
        print(json.dumps(as_told(made, found) | {"holds": holds}))
    else:
        tell(made, found)
        print("all that was sent is there" if holds else "NOT PROVED")
    sys.exit(0 if holds else 1)


def _tell_region_change(state: Path) -> None:
    """Warn where the region file has changed since what was read was read: a receipt that holds, or no drift, is not all then."""
    from producers.checkpoint import status as stands

    if (found := stands(state)) is not None and found.region_change:
        print(f"warning: {found.region_change}", file=sys.stderr)


def _adapter_settings(file: Path) -> "AdapterSettings":
    from deploy.reference.regions import is_district_area
    from producers.pseudonym import Pseudonyms
    from producers.region_file import read_region_file
    from producers.settings import AdapterSettings as Made

    told = settings()
    read_region_file(file, None)  # its own mistakes come before what is missing around it
    where = addresses(told, database=False)
    environ = environment_for(file)
    return Made(
        kafka=where.kafka,
        registry=where.registry,
        state_directory=local_folder(told, "adapters"),
        pseudonyms=Pseudonyms.from_environ(environ),
        environ=environ,
        keys_again=(lambda: Pseudonyms.from_environ(environ)) if environ.may_change(SECRETS[0]) else None,
        is_area=is_district_area,
        spool_bytes=told.spool_mb << 20,
    )

"""
`muara receipt` and `muara adapter receipt`: prove to office and region that what was sent is what was merged.

Why: each computes the chain anew from the topic, without the other.
Must not: compute or judge anything (schemas/proofs.py does); import PostgreSQL for the region.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deploy.commands.context import addresses, connected, console_for, settings
from schemas.errors import Fatal
from schemas.proofs import Found
from schemas.receipts import Receipt

if TYPE_CHECKING:
    from processors.store.receipts import Became

__all__ = ["NotWritten", "app", "as_told", "tell", "written"]

EXIT_DIFFERS = 1
Place = tuple[str, int]
app = typer.Typer(help="What an adapter says it sent: whether it is there, and counts.", no_args_is_help=True)


class NotWritten(Fatal):
    """the receipt cannot be written to {file} ({why})"""


@app.command("check")
def check(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="RECEIPT", help="What adapter receipt wrote.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """
    Prove a receipt: it is all there, and merged or rejected.

    Its chains are computed anew from the topics, and every record is merged once more, which must change nothing. Nothing is written.
    Exit code 0 only if all of that is so, and no worker is behind.
    """
    from contextlib import closing

    from processors.settings import WorkerSettings
    from processors.store.receipts import check_receipt
    from schemas.registry import Registry

    receipt = Receipt.read(file.read_bytes())
    where = addresses(settings())
    with connected(where, any_catalogue=True), closing(Registry(where.registry)) as registry:
        became = check_receipt(receipt, WorkerSettings(where.kafka, where.registry, where.database), registry)
    holds = all(one.holds for one in became.values()) and not receipt.altered
    found = {place: one.found for place, one in became.items()}
    if as_json:
        told = as_told(receipt, found)
        for one in told["partitions"]:
            one.update(_counts(became[one["topic"], one["partition"]]))
        print(json.dumps(told | {"holds": holds}))
    else:
        tell(receipt, found)
        _tell_merged(became)
        behind = sum(one.behind for one in became.values())
        why = f": {behind:,} are behind, which a worker that runs takes up" if behind else ""
        print("all that was sent is merged or rejected" if holds else f"NOT PROVED{why}")
    sys.exit(0 if holds else EXIT_DIFFERS)


def written(receipt: Receipt, file: Path) -> None:
    """Write a receipt to a file, whole or not at all; raises `NotWritten`."""
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.write_bytes(receipt.text())
        beside.replace(file)
    except OSError as error:
        raise NotWritten(file=file, why=error.strerror) from error


def as_told(receipt: Receipt, found: Mapping[Place, Found]) -> dict[str, Any]:
    """Return a receipt and what was found of it, as JSON has it."""
    return {
        "source": receipt.source,
        "waiting": receipt.waiting,
        "altered": receipt.altered,
        "chains": [
            {
                "name": one.name,
                "writer": one.writer,
                "topic": one.topic,
                "partition": one.partition,
                "events": one.events,
                "first": one.first,
                "last": one.last,
                "head": one.head.hex(),
                "forgotten": one.forgotten.events if one.forgotten else 0,
                "unplaced": one.unplaced,
                "over": one.over,
            }
            for one in receipt.chains
        ],
        "partitions": [
            {
                "topic": topic,
                "partition": partition,
                "proved": one.events,
                "holds": one.holds,
                "differences": [str(difference) for difference in one.differences],
                "sent_again": one.again,
                "unknown": one.unknown,
                "before": one.before,
                "others": dict(one.others),
                "empty": one.empty,
            }
            for (topic, partition), one in found.items()
        ],
    }


def tell(receipt: Receipt, found: Mapping[Place, Found]) -> None:
    """Print a receipt and what was found of it."""
    console = console_for(sys.stdout)
    table = Table("topic", "partition", "chain", "by", "events", "first", "last", "head", box=None)
    for one in receipt.chains:
        numbers = (f"{one.events:,}", str(one.first), str(one.last))
        table.add_row(one.topic, str(one.partition), one.name, one.writer, *numbers, one.head.hex()[:16])
    console.print(table if receipt.chains else f"source {receipt.source} has sent nothing yet")
    if receipt.waiting:
        print(f"{receipt.waiting:,} events wait in the spool")
    if receipt.altered:
        print("this receipt was changed after it was made")
    for one in receipt.chains:
        if one.forgotten:
            print(f"chain {one.name}: of its first {one.forgotten.events:,} events the offsets are no longer held")
        if one.unplaced:
            print(f"chain {one.name}: of {one.unplaced:,} more events the broker did not say where it put them")
    for (topic, partition), there in found.items():
        for line in _notes(receipt.source, there):
            print(f"{topic}[{partition}]: {line}")


def _notes(source: str, found: Found) -> list[str]:
    """Return what is to be said of a partition, differences last."""
    said = [f"{found.events:,} events are where the receipt says"]
    if found.again:
        said.append(f"{found.again:,} records are equal to one of these: sent again after a restart, the office keeps one of each")
    if found.before:
        said.append(f"{found.before:,} records of {source} lie before the first offset of which this receipt speaks")
    if found.unknown:
        said.append(f"{found.unknown:,} records of {source} are not of this receipt, the first at offset {found.unknown_at}")
    if found.uncompared:
        said.append(f"{found.uncompared:,} more records of {source} outside the receipt were not compared")
    if found.others:
        said.append("of others: " + ", ".join(f"{count:,} of {one}" for one, count in sorted(found.others.items())))
    if found.empty:
        said.append(f"{found.empty:,} offsets hold no record")
    said += map(str, found.differences)
    if found.differ > len(found.differences):
        said.append(f"and {found.differ - len(found.differences):,} more differences")
    return said


def _tell_merged(became: Mapping[Place, "Became"]) -> None:
    table = Table("topic", "partition", "sent", "merged", "rejected", "behind", "passed over", "next offset", "epoch", "state", box=None)
    for (topic, partition), one in became.items():
        numbers = (one.sent, one.merged, one.rejected.total(), one.behind, one.unmerged, one.next_offset, one.epoch)
        table.add_row(topic, str(partition), *(f"{number:,}" for number in numbers), one.why_not or one.halted or "moving")
    console_for(sys.stdout).print(table)
    for (topic, partition), one in became.items():
        for cause, count in sorted(one.rejected.items()):
            print(f"{topic}[{partition}]: rejected, {cause}: {count:,}")
        if one.repaired:
            print(f"{topic}[{partition}]: of the rejected, {one.repaired:,} were repaired by the office and sent again")
        if one.repairs:
            print(f"{topic}[{partition}]: {one.repairs:,} of the records that are not of this receipt were sent by repairs of the office")
        if one.unmerged:
            print(f"{topic}[{partition}]: {one.unmerged:,} records were passed over, the first at offset {one.unmerged_at}")


def _counts(one: "Became") -> dict[str, Any]:
    return {
        "sent": one.sent,
        "merged": one.merged,
        "rejected": dict(one.rejected),
        "repaired": one.repaired,
        "repairs": one.repairs,
        "behind": one.behind,
        "unmerged": one.unmerged,
        "unmerged_at": one.unmerged_at,
        "next_offset": one.next_offset,
        "epoch": one.epoch,
        "halted": one.halted,
        "why_not": one.why_not,
    }

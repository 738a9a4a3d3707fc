"""
Rows by their names, as a person reads them, or as CSV and JSON.

Why: what commands list has one look, and one form for programs.
Must not: know what the rows are.
"""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from deploy.commands.context import console_for
from deploy.commands.figures import Format

__all__ = ["moment", "print_rows", "text"]


def print_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str], form: Format, nothing: str) -> None:
    """Print rows by their names, or what is said where there are none."""
    if form is Format.JSON:
        print(json.dumps(rows, indent=1))
    elif form is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(row[name]) for name in names] for row in rows)
    elif not rows:
        print(nothing)
    else:
        table = Table(*(name.replace("_", " ") for name in names), box=None)
        for row in rows:
            table.add_row(*(moment(row[name]) if name.endswith("_at") else text(row[name]) for name in names))
        console_for(sys.stdout).print(table)


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell of CSV
    return json.dumps(value) if isinstance(value, dict | list) else value


def text(value: object) -> str:
    """Return a value as a table has it."""
    return {True: "yes", False: "no", None: "-"}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def moment(told: str) -> str:
    """Return a moment to the second, in UTC, as a table has room for it."""
    return told[:19].replace("T", " ")

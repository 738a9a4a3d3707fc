"""
The poverty lines and the first month as the truth knows them: read from the product's own file, by the demo's own code.

Why: lines taken from the platform's tables would put a mistake of their load on both sides of the comparison.
Must not: share a line of code with producers or processors, or ask the database.
"""

import csv
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from deploy.demo.days import month_of, month_text
from deploy.demo.truth import Line, TruthRow

__all__ = ["FIRST_MONTH", "months", "product_lines"]

FIRST_MONTH = "2020-01"
"""The month with which the platform's figures begin."""
_FILE = Path(__file__).parents[1] / "reference" / "poverty_lines.csv"


def product_lines() -> list[Line]:
    """
    Return every poverty line of the product's file; a fraction of a rupiah counts as a whole one.

    >>> [line.rupiah for line in product_lines() if (line.definition, line.region, line.valid_from.year) == ("extreme", "ID", 2021)]
    [358234]
    """
    with _FILE.open(encoding="utf-8", newline="") as file:
        return [
            Line(
                row["definition"],
                row["region_code_kemendagri"],
                row["urbanisation"],
                date.fromisoformat(row["valid_from"]),
                int(Decimal(row["rupiah_per_capita_month"]).to_integral_value(ROUND_CEILING)),
            )
            for row in csv.DictReader(file)
        ]


def months(rows: Iterable[TruthRow], lines: Iterable[Line]) -> list[str]:
    """
    Return every month from the first to the last in which a household or a line changes.

    >>> months([TruthRow("9900000101240001", "2020-01", "2020-03", "51.01.01.2001", 1, 1, None)], [])
    ['2020-01', '2020-02', '2020-03']
    """
    ends = [row.until or row.first for row in rows] + [month_text(month_of(line.valid_from)) for line in lines]
    first, last = (month_of(date.fromisoformat(f"{month}-01")) for month in (FIRST_MONTH, max(ends, default=FIRST_MONTH)))
    return [month_text(month) for month in range(first, last + 1)]

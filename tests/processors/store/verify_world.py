"""
A world for the tests of verify: places, sources and lines made by hand, statements packed here, cells held as a test says.

Why: the second opinion is tested with numbers that a person computed, so nothing of the first opinion may make them.
Must not: import processors/law.py or processors/columns.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Identifier

__all__ = ["HOUSE", "MEASURES", "Cell", "World", "month"]

MEASURES = (
    "households",
    "people",
    "known_people",
    "poor_households",
    "poor_people",
    "poverty_gap",
    "poverty_severity",
    "rupiah_gap",
    "log_gap",
    "zero_expenditure_people",
    "extreme_known_people",
    "extreme_poor_people",
    "vulnerable_people",
    "aspiring_people",
    "middle_people",
    "upper_people",
    "expenditure",
    "modelled_people",
)
VILLAGES = {
    "91.01.01.1001": "urban",
    "91.01.01.2002": "rural",
    "91.02.01.2001": "rural",
    "92.01.01.1001": "urban",
    "92.01.01.2002": "rural",
}
CLAIMS = {
    "alpha-9101": (1, "91.01", "alpha", 1),
    "beta-9101": (2, "91.01", "beta", 2),
    "alpha-9102": (3, "91.02", "alpha", 2),
    "gamma-9102": (4, "91.02", "gamma", 2),
    "beta-9201": (5, "92.01", "beta", 1),
}
"""What a claim is called here: (claimant, regency, source, rank)."""
HOUSE = 1
Cell = tuple[str, str, int, Mapping[str, int]]
"""A change that must be held: village, month such as 2020-03, how often it is added, amounts by measure."""


def month(text: str) -> date:
    """Return the first day of a month such as 2020-03."""
    return date.fromisoformat(f"{text}-01")


@dataclass
class World:
    """A database with the invented places; says statements and holds cells."""

    conn: Connection[Any]
    ids: dict[str, int] = field(default_factory=dict)
    said: dict[int, bytes] = field(default_factory=dict)

    def begin(self, first_month: str = "2020-01") -> None:
        """Empty every table and put the places, sources and a version of the reference data in."""
        self.conn.execute("truncate reference_version, region, source, poverty_line, household, cell_change, cell restart identity cascade")
        self.conn.execute("insert into reference_version values (true, 1, 'x', %s, 100, 1)", [month(first_month)])
        self._region("ID", "nation", None)
        for village, urbanisation in VILLAGES.items():
            for depth, level in enumerate(("province", "regency", "district"), 1):
                code = village[: 3 * depth - 1]
                self._region(code, level, code.rpartition(".")[0] or "ID")
            self._region(village, "village", village[:8], urbanisation)
        for claimant, region, source, rank in CLAIMS.values():
            self.conn.execute(
                "insert into source (claimant, region, source, rank) overriding system value values (%s, %s, %s, %s)",
                [claimant, self.ids[region], source, rank],
            )

    def _region(self, code: str, level: str, parent: str | None, urbanisation: str | None = None) -> None:
        if code not in self.ids:
            row = self.conn.execute(
                "insert into region (code, name, level, parent, urbanisation) values (%s, %s, %s, %s, %s) returning id",
                [code, f"{level} {code}".upper(), level, self.ids[parent] if parent else None, urbanisation],
            ).fetchone()
            assert row is not None
            self.ids[code] = row[0]

    def line(self, definition: str, region: str, urbanisation: str, begins: str, rupiah: int) -> None:
        """Put a poverty line into force."""
        self.conn.execute(
            "insert into poverty_line (definition, region, urbanisation, valid_from, rupiah, origin, version)"
            " values (%s, %s, %s, %s, %s, 'test', 1)",
            [definition, self.ids[region], urbanisation, date.fromisoformat(begins), rupiah],
        )

    def say(
        self,
        claim: str,
        day: str,
        revision: int = 1,
        operation: str = "UPSERT",
        *,
        village: str | None = None,
        size: int = -1,
        expenditure: int = -1,
        modelled: bool = False,
        household: int = HOUSE,
        claimant: int | None = None,
    ) -> None:
        """Let a claim say something of a household, packed as the store packs it (42 bytes, big-endian)."""
        number = int(village.replace(".", "")) if village else -1
        packed = struct.pack(
            ">iiqiBBiqq",
            (date.fromisoformat(day) - date(1970, 1, 1)).days,
            claimant or CLAIMS[claim][0],
            revision,
            1,
            ("UPSERT", "END", "RETRACT").index(operation),
            modelled,
            size,
            number,
            expenditure,
        )
        self.said[household] = self.said.get(household, b"") + packed
        self.conn.execute(
            "insert into household (id, statements) values (%s, %s) on conflict (id) do update set statements = excluded.statements",
            [UUID(int=household << 64), self.said[household]],
        )

    def hold(self, cells: Iterable[Cell], levels: Iterable[str] = ("village", "district", "regency", "province", "nation")) -> None:
        """Add changes to `cell`, on the village and on all that lies above it."""
        for village, when, times, amounts in cells:
            above = dict(
                zip(
                    ("village", "district", "regency", "province", "nation"),
                    (village, village[:8], village[:5], village[:2], "ID"),
                    strict=True,
                )
            )
            for level in levels:
                self._hold(level, above[level], VILLAGES[village], month(when), [times * amounts.get(name, 0) for name in MEASURES])

    def _hold(self, level: str, region: str, urbanisation: str, when: date, amounts: list[int]) -> None:
        columns = [Identifier(name) for name in MEASURES]
        self.conn.execute(
            SQL(
                "insert into cell (level, region, urbanisation, month, {columns}) values (%s, %s, %s, %s, {values})"
                " on conflict (region, urbanisation, month) do update set {added}"
            ).format(
                columns=SQL(", ").join(columns),
                values=SQL(", ").join([SQL("%s")] * len(columns)),
                added=SQL(", ").join(SQL("{0} = cell.{0} + excluded.{0}").format(column) for column in columns),
            ),
            [level, self.ids[region], urbanisation, when, *amounts],
        )

    def wait(self, cells: Iterable[Cell]) -> None:
        """Put changes of villages into one batch that waits for the fold."""
        keys, amounts = b"", b""
        for village, when, times, added in cells:
            months = (month(when).year - 1970) * 12 + month(when).month - 1
            keys += struct.pack(">q", self.ids[village] * 8192 + (VILLAGES[village] == "urban") * 4096 + months)
            amounts += struct.pack(">18q", *(times * added.get(name, 0) for name in MEASURES))
        self.conn.execute("insert into cell_change (keys, amounts) values (%s, %s)", [keys, amounts])

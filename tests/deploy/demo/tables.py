"""
Smart Kampung's tables in memory, for tests of what its register does to them; test_kampung_writer.py holds the real database to the same.

Why: thousands of seeds are tried, and the register's transactions are what matters, not the server.
Must not: know why a row is written.
"""

from collections.abc import Callable, Iterable
from typing import Any

from deploy.demo.kampung import Delete, Op, Put, Rekey, Row, Touch

__all__ = ["Tables"]

Change = Callable[[dict[str, Any] | None, dict[str, Any] | None], None]


class Tables:
    """`keluarga` by card; every change is told to `changed`, as a log would tell it."""

    def __init__(self, changed: Change) -> None:
        """Begin with no row."""
        self.rows: dict[str, dict[str, Any]] = {}
        self._changed = changed

    def write(self, transactions: Iterable[tuple[Op, ...]]) -> None:
        """Do what transactions do."""
        for transaction in transactions:
            for op in transaction:
                self._do(op)

    def _do(self, op: Op) -> None:
        match op:
            case Put(row):
                self._set(row.household.card, row)
            case Delete(card) if card in self.rows:
                self._changed(self.rows.pop(card), None)
            case Rekey(card, row):
                before, after = self.rows.pop(card), _row(row)
                self.rows[row.household.card] = after
                self._changed(before, after)
            case Touch(village):
                for held in [held for held in self.rows.values() if held["kode_desa"] == village]:
                    self._changed(held, held)

    def _set(self, card: str, row: Row) -> None:
        before, after = self.rows.get(card), _row(row)
        self.rows[card] = after
        self._changed(before, after)


def _row(row: Row) -> dict[str, Any]:
    return {
        "no_kk": row.household.card,
        "kode_desa": row.village,
        "jumlah_jiwa": row.fact.size,
        "pengeluaran": row.fact.expenditure,
        "dasar_pengeluaran": None if row.fact.expenditure is None else "MODEL" if row.fact.modelled else "SURVEI",
        "berlaku_sejak": row.fact.day,
        "dibatalkan": row.cancelled,
    }

"""
A folder of snapshots, as a region file of the kind `files` declares it: one file for each village and month.

Why: see stand_ins/__init__.py.
Must not: write a file under its own name before it is whole, but where it is told to.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

from deploy.certify.oddities import Odd, Oddity, written
from deploy.certify.stand_ins import Lie, StandIn
from deploy.certify.stand_ins.sheets import Form, bomb_of, content, forms_of
from deploy.certify.told import BEGIN, Fact, Told, month_after, nik
from deploy.certify.writing import Writer
from producers.declaration import Declaration, FilesSource

__all__ = ["FolderStandIn"]

_ANY_MOMENT = datetime(2020, 3, 1, 8, tzinfo=UTC)
_A_DAY_S = 86_400
_OF_NAMES = {
    Oddity.MISSING_DATE: ("period", "valid_from", ""),
    Oddity.MISSING_VILLAGE: ("village", "village", ""),
    Oddity.OTHER_DATE: ("period", "valid_from", "%m%Y"),
}
"""What a file's name tells in place of its rows: the part, the field that is read from it, and how an odd day is written there."""


class FolderStandIn(StandIn):
    """The registers of all villages, each dropped anew whenever something of it changes, each time in the next of the declared forms."""

    concludes_ends = True
    lacks_fields = False
    has_header = True

    def __init__(self, declared: Declaration, folder: Path) -> None:
        """Make the folder."""
        assert isinstance(declared.source, FilesSource)  # noqa: S101 - opened by kind
        self.source, self.folder = declared.source, folder
        self._forms = forms_of(declared.source)
        super().__init__(declared, Writer(declared, depth=2, as_text=True))
        mapping = declared.mapping.model_dump_json()
        self._read = {column for column in self.source.columns if f'"{column}"' in mapping}
        folder.mkdir()
        self.dropped: dict[tuple[str, date], list[list[str]]] = {}
        """The rows last dropped of each village and month."""
        self._exports, self._newest_month = 0, BEGIN
        self._exported: dict[tuple[str, date], datetime] = {}
        """When each village's newest file of a month was exported, by the clock of whoever did."""
        self._newest: tuple[str, bytes] = ("", b"")

    @classmethod
    def lies_of(cls, declared: Declaration) -> Sequence[Lie]:
        """Return what can be wrong with a file of the declared forms."""
        assert isinstance(declared.source, FilesSource)  # noqa: S101 - opened by kind
        totals = (Lie.OTHER_TOTAL,) if declared.source.footer is not None else ()
        bombs = (Lie.BOMB,) if any(one.is_workbook for one in forms_of(declared.source)) else ()
        return (Lie.HALF, Lie.OTHER_HEADER, *totals, *bombs)

    @classmethod
    def opened(cls, declared: Declaration, folder: Path, server: str) -> Self:  # noqa: ARG003 - server is what others need
        """Return one."""
        return cls(declared, folder / "inbox")

    @property
    def placeholders(self) -> Mapping[str, str]:
        """Where the folder is."""
        return {"folder": str(self.folder)}

    @contextmanager
    def running(self) -> Iterator[None]:
        """The folder is always there."""
        yield

    def _tell(self, changes: Sequence[Told], *, disorder: bool) -> None:
        since = {told.since for told in changes}
        self._newest_month = max(self._newest_month, *since)
        wrong = [(key, rows) for key, rows in self._due(since) if rows != self.dropped.get(key)]
        for (village, month), rows in reversed(wrong) if disorder else wrong:
            self._drop(village, month, rows)

    def _due(self, since: set[date]) -> Iterator[tuple[tuple[str, date], list[list[str]]]]:
        """Give the rows that each village's snapshot must have, of the months told of and of all that were dropped before."""
        for month in sorted({*since, *(month for _, month in self.dropped)}):
            for village in (village for villages in self.villages.values() for village in villages):
                living = self.truth.living(month, village)
                if living or (village, month) in self.dropped:
                    yield (village, month), [self._row(serial, month) for serial in sorted(living)]

    @property
    def can_end(self) -> bool:
        """A family that is no more is not listed."""
        return True

    def standing(self) -> Iterator[Told]:
        """Give what the newest snapshot of each village and month says of each family."""
        for village, month in self.dropped:
            yield from (_listed(serial, month, fact) for serial, fact in self.truth.living(month, village).items())

    def _row(self, serial: int, month: date) -> list[str]:
        fact = self.truth.at(serial, month)
        assert fact is not None  # noqa: S101 - one of the living
        return self._cells(self.writer.record(_listed(serial, month, fact))[0], serial)

    def _cells(self, record: Mapping[str, object], serial: int) -> list[str]:
        """Return a row; columns that the mapping does not read hold what must not leave the region."""
        return [str(record.get(column, "" if column in self._read else nik(serial))) for column in self.source.columns]

    def repeat(self) -> None:
        """Drop the newest file once more, the same to the byte."""
        name, content = self._newest
        self._write(name, content)

    def odd(self, told: Told, oddity: Oddity) -> Odd:
        """Return how a row is odd, or the name of its file, which then cannot be read as a whole."""
        part, field, value = _OF_NAMES.get(oddity, ("", "", ""))
        if field and getattr(self.declared.mapping, field).path == f"^.{part}":
            return Odd(part, told.since.strftime(value), frozenset([""]), None, "quarantine")
        return super().odd(told, oddity)

    def tell_odd(self, told: Told, odd: Odd) -> None:
        """Drop the village's snapshot of the month with one odd row more, or a column more, or under an odd name."""
        village, month = told.fact.village, told.since
        self._newest_month = max(self._newest_month, month)
        rows = [self._row(serial, month) for serial in sorted(self.truth.living(month, village))]
        if "" in odd.fields:
            form = self._next_form()
            rows.append(self._cells(self.writer.record(_listed(told.serial, month, told.fact))[0], told.serial))
            self._write(self._name(form, village, month, {odd.path: odd.value}), content(form, self.source, self.source.columns, rows))
            return
        if odd.kind == "new_field":
            row = [*self._cells(self.writer.record(_listed(told.serial, month, told.fact))[0], told.serial), "baru"]
            self._drop(village, month, [*([*one, "baru"] for one in rows), row], [*self.source.columns, odd.path])
            self.dropped[village, month] = [*rows, row[:-1]]
            return
        self._drop(village, month, [*rows, self._cells(written(self.writer, told, odd)[0], told.serial)])

    def tell_garbage(self) -> None:
        """Drop a file that is none."""
        (village, month), _ = list(self.dropped.items())[-1]
        self._write(self._name(self._next_form(), village, month), b"\x00\x01bukan data\n")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Move the folder away."""
        elsewhere = self.folder.with_suffix(".away")
        self.folder.rename(elsewhere)
        try:
            yield
        finally:
            elsewhere.rename(self.folder)

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Drop a newer snapshot of what was dropped last, which is not so; the right one follows at the end of the block."""
        (village, month), rows = list(self.dropped.items())[-1]
        form = self._next_form(workbook=lie is Lie.BOMB)
        columns = [f"X{one}" for one in self.source.columns] if lie is Lie.OTHER_HEADER else self.source.columns
        body = content(form, self.source, columns, rows, total=len(rows) + 1 if lie is Lie.OTHER_TOTAL else None)
        body = bomb_of(self.source) if lie is Lie.BOMB else body[: len(body) * 2 // 3] if lie is Lie.HALF else body
        self._write(self._name(form, village, month), body)
        try:
            yield
        finally:
            self._drop(village, month, self.dropped[village, month])

    # ---- files -----------------------------------------------------------------------------------------------------------

    def _drop(self, village: str, month: date, rows: list[list[str]], columns: Sequence[str] | None = None) -> None:
        self.dropped.pop((village, month), None)
        self.dropped[village, month] = rows
        form = self._next_form()
        self._newest = self._name(form, village, month), content(form, self.source, columns or self.source.columns, rows)
        self._write(*self._newest)

    def _next_form(self, *, workbook: bool = False) -> Form:
        """Return the form of the next file."""
        self._exports += 1
        forms = [one for one in self._forms if one.is_workbook or not workbook]
        return forms[self._exports % len(forms)]

    def _name(self, form: Form, village: str, month: date, other: Mapping[str, str] | None = None) -> str:
        # A clock may be wrong; but of one village and month a later file is never dated before an earlier one, else it would be none.
        before = self._exported.get((village, month), datetime.min.replace(tzinfo=UTC))
        exported = max(self._clock() + self.skew, before + timedelta(seconds=1))
        self._exported[village, month] = exported
        parts = {"village": village, "period": f"{month:%Y%m}", "exported": f"{exported:%Y%m%dT%H%M%S%f}"}
        return form.name.format(**{**parts, **(other or {})})

    def _clock(self) -> datetime:
        """Return the time of the next export: the month after the newest that was told of, a second more for each."""
        month = month_after(self._newest_month)
        return datetime(month.year, month.month, 1, 8, tzinfo=UTC) + timedelta(seconds=self._exports)

    def _write(self, name: str, body: bytes) -> None:
        """Write a file that looks as if it had lain there for a day: whoever waits for young ones need not wait."""
        part = self.folder / f"{name}.part"
        part.write_bytes(body)
        changed_s = part.stat().st_mtime - _A_DAY_S - self._exports
        os.utime(part, (changed_s, changed_s))
        part.rename(self.folder / name)


def _listed(serial: int, month: date, fact: Fact) -> Told:
    """Return what a snapshot says of a family: the same in every export of it."""
    return Told(serial, month, 0, _ANY_MOMENT, fact=fact)

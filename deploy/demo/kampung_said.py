"""
What Smart Kampung's tables have said and still stand by, from what was done to them.

Why: whoever reads a database's log is told every state of a family's row, and beside it the members and the aid as they are by then.
Must not: reach a database, or know what a reader makes of it.

So what the rows said is known of every day; members and aid are known of families whose row is there in the end, as the row now stands.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from deploy.demo.codebook import dwelling_meant, member_meant
from deploy.demo.kampung import Delete, Op, Put, Rekey, Row
from deploy.demo.kampung_tables import aid_of, house_of, members_of
from deploy.demo.people import People
from deploy.demo.places import BANYUWANGI
from deploy.demo.said import LISTS, SILENT, LastWords, Sections

__all__ = ["standing"]


@dataclass(slots=True)
class _Tables:
    """The tables as they are, and what their rows have said."""

    words: LastWords[Row] = field(default_factory=LastWords)
    rows: dict[str, Row] = field(default_factory=dict)
    members: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    aid: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def do(self, op: Op) -> None:
        """Do what one operation does; a row that is written anew, unchanged, says nothing new."""
        match op:
            case Put(row):
                self._put(row)
                if row.members is not None:
                    self.members[row.household.card] = row.members
                if row.aid is not None:
                    self.aid[row.household.card] = aid_of(row.household.card, row.aid, row.fact.day)
            case Delete(card):
                if (gone := self.rows.pop(card, None)) is not None:
                    self.words.end(card, BANYUWANGI, gone.fact.day)
                self.members.pop(card, None)
                self.aid.pop(card, None)
            case Rekey(card, row):
                del self.rows[card]
                self.words.end(card, BANYUWANGI, row.fact.day)
                self.members[row.household.card] = self.members.pop(card, ())
                self.aid[row.household.card] = self.aid.pop(card, [])
                self._put(row)

    def _put(self, row: Row) -> None:
        card = row.household.card
        self.rows[card] = row
        if row.cancelled:
            self.words.take_back(card, BANYUWANGI, row.fact.day)
        else:
            self.words.say(card, BANYUWANGI, row.fact.day, row)


def standing(done: Iterable[Op], people: People) -> Iterator[tuple[str, str, date, Sections]]:
    """Yield what stands after all that was done: card, regency, day, and what the row says, in the codes of the questionnaire."""
    tables = _Tables()
    for op in done:
        tables.do(op)
    for card, region, day, row in tables.words.standing(lambda row: row):
        sections = _of_row(row)
        if tables.rows.get(card) is row:
            told = members_of(card, tables.members.get(card, ()), people)
            sections["members"] = [member_meant(one) for one in map(_named, told)]
            sections["programmes"] = [[programme, month.isoformat(), amount] for _, programme, month, amount in tables.aid.get(card, ())]
        yield card, region, day, sections


def _of_row(row: Row) -> dict[str, Any]:
    spent, basis = row.fact.expenditure, "MODELLED" if row.fact.modelled else "OBSERVED"
    told = {
        "residence": [row.village],
        "composition": [row.fact.size],
        "welfare": None if spent is None else [spent, basis],
        "dwelling": dwelling_meant(house_of(row.household)),
    }
    return {name: told.get(name) for name in SILENT if name not in LISTS or name == "nutrition"}


def _named(member: tuple[Any, ...]) -> dict[str, str]:
    """Return a row of `anggota` by the columns that tell of a person."""
    _, nik, _, sex, born, relation, presence = member
    return {"nik": nik or "", "jenis_kelamin": sex, "tanggal_lahir": born, "hubungan": relation, "kehadiran": presence}

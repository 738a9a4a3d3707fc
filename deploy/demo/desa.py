"""
Sumedang's village services: notices of what happens to families, each to be pushed to whoever listens.

Why: this system is not asked, it tells; each notice has its place in the sequence of its family, since notices do not arrive in order.
Must not: send (pusher.py does), or know what a reader makes of it.
"""

from collections import deque
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from deploy.demo.clock import Clock
from deploy.demo.codebook import dwelling_meant, member_meant
from deploy.demo.days import moment_text
from deploy.demo.household import Household
from deploy.demo.people import People
from deploy.demo.places import SUMEDANG
from deploy.demo.register import END, RETRACT, UPSERT, Register, Saying
from deploy.demo.said import SILENT, Sections

__all__ = ["DesaRegister", "Notice", "sections_of"]

_KINDS = {UPSERT: "keluarga.diubah", END: "keluarga.berakhir", RETRACT: "keluarga.dibatalkan"}
_LAST_PAID = {"PKH": 750_000, "BPNT": 200_000}
_DWELLING = {
    "status_rumah": ("MILIK", "KONTRAK", "BEBAS"),
    "jenis_lantai": ("KERAMIK", "UBIN", "SEMEN", "TANAH"),
    "jenis_dinding": ("TEMBOK", "PLESTER", "KAYU", "BAMBU"),
    "jenis_atap": ("GENTENG", "ASBES", "SENG"),
    "sumber_air": ("PAM", "BOR", "SUMUR", "MATA_AIR"),
    "penerangan": ("PLN", "PLN_TANPA_METER"),
    "bahan_bakar": ("GAS", "LISTRIK", "KAYU"),
    "kloset": ("SENDIRI", "BERSAMA", "UMUM"),
}
"""What a family's dwelling is like, in the villages' words."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A statement with its moment, its number among all, and its place in the sequence of its family."""

    saying: Saying
    at: int
    number: int
    sequence: int

    def as_record(self, people: People) -> dict[str, Any]:
        """Return it as the system's JSON says it."""
        told = self.saying
        size = None if told.members is None else sum(presence == "ADA" for _, presence in told.members)
        return {
            "id": f"desa-{self.number:09d}",
            "waktu": moment_text(self.at),
            "jenis": _KINDS[told.operation],
            "data": {
                "no_kk": told.household.card,
                "kode_desa": told.village,
                "berlaku_sejak": told.day.isoformat(),
                "urut": self.sequence,
                "jumlah_anggota": size,
                "pengeluaran": _spending(told.welfare),
                "rumah": _dwelling(told.household.serial) if told.operation == UPSERT else None,
                "anggota": _members(told.members, people),
                "bantuan": _aid(told),
            },
        }


class DesaRegister(Register):
    """All that Sumedang's villages notify, and what they still hold back; a notice always tells who belongs to the family."""

    region = SUMEDANG
    always_counts = True

    def __init__(self, clock: Clock, chance: Random) -> None:
        """Begin with nothing said."""
        super().__init__(clock, chance)
        self.out: deque[Notice] = deque()
        """Notices that are to be sent, oldest first; whoever sends them takes them out."""
        self._told = 0
        self._sequences: dict[int, int] = {}

    def __len__(self) -> int:
        """Return how many notices there ever were."""
        return self._told

    def begin(self, households: list[Household]) -> None:
        """Notify how the families are at the beginning, in an order that is not theirs."""
        for one in self._chance.sample(households, len(households)):
            self._utter(self.whole(one, aid=True), true=True)

    def whole(self, one: Household, *, aid: bool = False, members: bool = True, welfare: bool = True) -> Saying:  # noqa: ARG002
        """Return a statement of how a family is since its newest day, its members always."""
        return super().whole(one, aid=aid, welfare=welfare)

    def _utter(self, saying: Saying, *, true: bool) -> None:  # noqa: ARG002 - a slip looks like any other notice
        one = saying.household
        if saying.operation == UPSERT and saying.members is None:
            saying = replace(saying, members=tuple((person, "ADA") for person in one.members))
        self._noted(saying)
        at = one.told_at = self._clock.stamp(one.told_at)
        self._told += 1
        sequence = self._sequences[one.serial] = self._sequences.get(one.serial, 0) + 1
        self.out.append(Notice(saying, at, self._told, sequence))


def sections_of(told: Saying, people: People) -> Sections:
    """Return what a notice says of a family, in the codes of the questionnaire; schooling and work it does not tell."""
    members, spent, aid = _members(told.members, people), told.welfare, _aid(told)
    return SILENT | {
        "residence": [told.village],
        "composition": None if members is None else [sum(one["kehadiran"] == "ADA" for one in members)],
        "welfare": None if spent is None else [spent[0], "MODELLED" if spent[1] else "OBSERVED"],
        "dwelling": dwelling_meant(_dwelling(told.household.serial)),
        "members": None if members is None else [member_meant(one) for one in members],
        "programmes": None if aid is None else [[one["program"], f"{one['bulan']}-01", one["jumlah"]] for one in aid],
    }


def _spending(welfare: tuple[int, bool] | None) -> dict[str, Any] | None:
    return None if welfare is None else {"jumlah": welfare[0], "dasar": "MODEL" if welfare[1] else "SURVEI"}


def _dwelling(serial: int) -> dict[str, Any]:
    odd = serial * 2_654_435_761 >> 6  # spreads neighbours; a dwelling stays as it is
    words = {name: words[odd % (7 + turn) % len(words)] for turn, (name, words) in enumerate(_DWELLING.items())}
    return {"luas_lantai": 20 + odd % 80, **words}


def _members(members: tuple[tuple[int, str], ...] | None, people: People) -> list[dict[str, str]] | None:
    if members is None:
        return None
    told = [people.record(person, presence, head=place == 0) for place, (person, presence) in enumerate(members)]
    return [{name: one[name] for name in ("nik", "nama", "jenis_kelamin", "tanggal_lahir", "hubungan", "kehadiran")} for one in told]


def _aid(told: Saying) -> list[dict[str, Any]] | None:
    if told.aid is None:
        return None
    return [{"program": programme, "bulan": f"{told.day:%Y-%m}", "jumlah": _LAST_PAID[programme]} for programme in told.aid]

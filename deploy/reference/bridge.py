"""
The maker of `bps_codes.csv.gz`: which BPS code belongs to which Kemendagri code, joined by name within the parent.

Why: no rule leads from one system to the other (the cities of Jakarta and the provinces of Papua are permuted, districts are
ordered differently), so a table must; run it again when a newer list of BPS names is at hand:
`python -m deploy.reference.bridge FOLDER`, with regencies.csv, districts.csv and villages.csv (code, parent, name) in it.
Must not: derive a code from a code, or guess: what names and `bps_aliases.csv` do not join stays without a BPS code.
"""

import csv
import gzip
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from deploy.reference.regions import NATION, kemendagri_names, parent_of

__all__ = ["Bridged", "bridge", "main", "plain", "read_list", "spelled"]

_HERE = Path(__file__).parent
_BEFORE_DIVISION = {"91": "94", "93": "94", "94": "94", "95": "94", "92": "91", "96": "91"}
"""Provinces of Papua by Kemendagri code, and the BPS code of the province (of 34, until 2022) in whose list their regencies stand."""
_PERMUTED = {"91": "94", "92": "91", "93": "95", "94": "96", "95": "97", "96": "92"}
"""BPS code of a province of Papua today; everywhere else both systems agree on provinces."""
_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_NUMBERS = ("satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas")
_SPELLINGS = (
    {numeral: str(number) for number, numeral in enumerate(_NUMERALS, 1)}
    | {word: str(number) for number, word in enumerate(_NUMBERS, 1)}
    | {"sei": "sungai", "p": "pulau", "sp": "simpang", "kep": "kepulauan", "administrasi": "", "adm": "", "kab": "kabupaten"}
)
_KINDS = frozenset({"kelurahan", "kel", "desa", "kampung", "kp", "gampong", "dusun", "kota"})


@dataclass(frozen=True, slots=True)
class Bridged:
    """What was joined, and what was not: Kemendagri codes without a partner, BPS (code, name) that nobody asked for."""

    bps_of: dict[str, str]
    unmatched: list[str]
    left_over: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class BpsRegion:
    """One region of the BPS list."""

    code: str
    parent: str
    name: str


def plain(name: str) -> str:
    """
    Return the letters and digits of a name.

    >>> plain("Wette'E / Baru")
    'wetteebaru'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def spelled(name: str) -> str:
    """
    Return a name in one spelling of numbers and of usual abbreviations.

    >>> spelled("Kabupaten Administrasi Kep. Seribu"), spelled("Ilir Barat Dua") == spelled("ILIR BARAT II")
    ('kabupatenkepulauanseribu', True)
    """
    return "".join(_SPELLINGS.get(word, word) for word in re.findall(r"[a-z0-9']+", name.lower())).replace("'", "")


def bare(name: str) -> str:
    """
    Return a spelled name without the kind of place at its beginning; for districts and villages only.

    >>> bare("KELURAHAN PONDOK TINGGI")
    'pondoktinggi'
    """
    first, _, rest = name.lower().partition(" ")
    return spelled(rest) if first.rstrip(".") in _KINDS and rest else spelled(name)


def read_list(folder: Path) -> list[BpsRegion]:
    """Return regencies, districts and villages of the BPS list in a folder, in this order."""
    found: list[BpsRegion] = []
    for level in ("regencies", "districts", "villages"):
        with (folder / f"{level}.csv").open(encoding="utf-8", newline="") as file:
            found.extend(BpsRegion(*row) for row in csv.reader(file))
    return found


def bridge(names: Mapping[str, str], listed: Iterable[BpsRegion], aliases: Mapping[str, str]) -> Bridged:
    """
    Join Kemendagri codes (`names`, without the nation) to a BPS list, parents first; `aliases` give the BPS name of a code.

    A name is joined where it is the only one of its spelling in its parent, in both lists. Of the BPS code of a region
    that the division of Papua moved to another province, nothing is said: it begins with the province of before.
    """
    below: dict[str, list[str]] = defaultdict(list)
    for code in names:
        below[parent_of(code)].append(code)
    bps_below: dict[str, list[BpsRegion]] = defaultdict(list)
    for one in listed:
        bps_below[one.parent].append(one)

    joined: dict[str, str] = {}
    left: list[tuple[str, str]] = []
    of_province: dict[str, list[str]] = defaultdict(list)
    for province in below[NATION]:
        of_province[_BEFORE_DIVISION.get(province, province)].append(province)
    pairs = [([code for one in provinces for code in below[one]], bps) for bps, provinces in of_province.items()]
    spellings: tuple[Callable[[str], str], ...] = (plain, spelled)
    for _ in range(3):  # regencies, districts, villages
        found: dict[str, str] = {}
        for codes, bps in pairs:
            here = _join({code: aliases.get(code, names[code]) for code in codes}, bps_below[bps], spellings)
            taken = set(here.values())
            left.extend((one.code, one.name) for one in bps_below[bps] if one.code not in taken)
            found.update(here)
        joined.update(found)
        pairs = [(below[code], bps) for code, bps in found.items()]
        spellings = (plain, spelled, bare)
    told = {code: _PERMUTED.get(code, code) for code in below[NATION]}
    told.update((code, bps) for code, bps in joined.items() if bps.startswith(told[code[:2]]))
    return Bridged(told, [code for code in names if code not in told], left)


def _join(names: Mapping[str, str], listed: Iterable[BpsRegion], spellings: Iterable[Callable[[str], str]]) -> dict[str, str]:
    """Return the BPS code of each code whose name stands once on both sides, by the first spelling that finds it."""
    joined: dict[str, str] = {}
    rest, bps_rest = dict(names), {one.code: one.name for one in listed}
    for spelling in spellings:
        ours, theirs = _by_spelling(rest, spelling), _by_spelling(bps_rest, spelling)
        for key in ours.keys() & theirs.keys():
            if len(ours[key]) == len(theirs[key]) == 1:
                (code,), (bps,) = ours[key], theirs[key]
                joined[code] = bps
                del rest[code], bps_rest[bps]
    return joined


def _by_spelling(names: Mapping[str, str], spelling: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for code, name in names.items():
        found[spelling(name)].append(code)
    return found


def main(folder: Path, out: Path = _HERE / "bps_codes.csv.gz") -> Bridged:
    """Join the BPS list in a folder to the product's regions, write `out` (same lists, same bytes), and return what was joined."""
    with (_HERE / "bps_aliases.csv").open(encoding="utf-8", newline="") as file:
        aliases = {row["code"]: row["bps_name"] for row in csv.DictReader(file)}
    names = kemendagri_names()
    made = bridge(names, read_list(folder), aliases)
    lines = chain(["code,bps_code"], (f"{code},{made.bps_of[code]}" for code in names if code in made.bps_of))
    out.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 9, mtime=0))
    return made


if __name__ == "__main__":
    result = main(Path(sys.argv[1]))
    sys.stdout.write(
        f"{len(result.bps_of)} joined, {len(result.unmatched)} without a BPS code, {len(result.left_over)} BPS regions left over\n"
    )

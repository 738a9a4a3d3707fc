"""
What the words of the simulated systems mean, in codes of Regsosek 2022: the questionnaire read by the systems, not by the platform.

Why: what the platform holds of a dwelling or a member is compared with what the systems meant by their words.
Must not: be read by an adapter, or take anything from a region file, whose mistakes would hide.
"""

from collections.abc import Mapping
from datetime import date

__all__ = ["DWELLING", "dwelling_meant", "member_meant", "toddler_meant"]

DWELLING = {
    "status_rumah": {"MILIK": 1, "SEWA": 2, "KONTRAK": 2, "BEBAS": 3},
    "luas_lantai": None,
    "jenis_lantai": {"MARMER": 1, "KERAMIK": 2, "UBIN": 4, "SEMEN": 6, "TANAH": 8},
    "jenis_dinding": {"TEMBOK": 1, "PLESTER": 2, "KAYU": 3, "BAMBU": 6},
    "jenis_atap": {"BETON": 1, "GENTENG": 2, "SENG": 3, "ASBES": 4},
    "sumber_air": {"ISI_ULANG": 2, "PAM": 3, "BOR": 4, "SUMUR": 5, "MATA_AIR": 7},
    "penerangan": {"PLN": 1, "PLN_TANPA_METER": 2},
    "bahan_bakar": {"LISTRIK": 1, "GAS": 4, "GAS_KOTA": 5, "KAYU": 10},
    "kloset": {"SENDIRI": 1, "BERSAMA": 2, "KOMUNAL": 3, "UMUM": 4},
    "limbah": {"SEPTIK": 1, "IPAL": 2, "SUNGAI": 3},
}
"""Questions 301a to 310 in the order of the questionnaire; of the floor's area (302) the number is what it says."""
_SEX = {"L": 1, "P": 2}
_RELATION = {"KEPALA": 1, "ISTRI": 2, "ANAK": 3, "LAIN": 8}
_SCHOOLING = {"TIDAK": 0, "SD": 3, "SMP": 8, "SMA": 13, "S1": 19}
_WORK = {"TIDAK": 0, "USAHA": 1, "BURUH": 4, "PNS": 5}
_PRESENCE = {"ADA": 1, "MENINGGAL": 2, "PINDAH": 3}
_NUTRITION = {"NORMAL": 0, "KURUS": 1, "PENDEK": 2}
_PENDING = "9999"
"""A person's number with this serial stands for one that is still to come."""


def dwelling_meant(words: Mapping[str, str | int]) -> list[int | None]:
    """
    Return a dwelling's codes in the order of `DWELLING`, None where nothing is said.

    >>> dwelling_meant({"status_rumah": "SEWA", "luas_lantai": 36})
    [2, 36, None, None, None, None, None, None, None, None]
    """
    return [_code(codes, words.get(name)) for name, codes in DWELLING.items()]


def member_meant(told: Mapping[str, str]) -> list[str | int | None]:
    """
    Return number, sex, year and month of birth, relation, schooling, work and presence of a member; None what is not told.

    >>> born = {"nik": "", "jenis_kelamin": "P", "tanggal_lahir": "2020-05-31"}
    >>> member_meant({**born, "hubungan": "ANAK", "pendidikan": "TIDAK", "kehadiran": "ADA"})
    [None, 2, 2020, 5, 3, 0, None, 1]
    """
    born = date.fromisoformat(told["tanggal_lahir"])
    codes = [_code(book, told.get(name)) for name, book in (("hubungan", _RELATION), ("pendidikan", _SCHOOLING), ("pekerjaan", _WORK))]
    return [_number(told["nik"]), _SEX[told["jenis_kelamin"]], born.year, born.month, *codes, _PRESENCE[told["kehadiran"]]]


def toddler_meant(told: Mapping[str, str], day: date) -> list[str | int | None]:
    """
    Return number, day, weight in grams, height in millimetres and state of nutrition of a toddler as measured on a day.

    >>> toddler_meant({"nik": "", "berat_kg": "9.4", "tinggi_cm": "74.5", "status_gizi": "PENDEK"}, date(2024, 5, 2))
    [None, '2024-05-02', 9400, 745, 2]
    """
    grams, millimetres = (_parts(told[name], places) for name, places in (("berat_kg", 3), ("tinggi_cm", 1)))
    return [_number(told["nik"]), day.isoformat(), grams, millimetres, _NUTRITION[told["status_gizi"]]]


def _code(codes: Mapping[str, int] | None, word: str | int | None) -> int | None:
    """Return what a word means; a number without a book means itself."""
    if word is None:
        return None
    return int(word) if codes is None else codes[str(word)]


def _number(text: str) -> str | None:
    """Return a person's national number, None where there is none yet."""
    return text if text and not text.endswith(_PENDING) else None


def _parts(text: str, places: int) -> int:
    """Return a decimal number, as the systems write it, in parts of so many decimal places."""
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(places, "0"))

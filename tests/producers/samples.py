"""
Invented records of Carik and Satu Data Dari Desa, and what a region's adapter is made of in a test.

Why: every number here is visibly invented (area 99), and what a test does not speak of is left to these.
Must not: read the product's answers: samples say what goes in, tests what must come out.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from producers.declaration import Declaration
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.region_file import read_region_file

__all__ = [
    "CARIK",
    "COLUMNS",
    "ENVIRON",
    "KAMPUNG",
    "KEY",
    "NEW_KEY",
    "REGIONS",
    "SDDD",
    "building",
    "card",
    "carik",
    "drop",
    "family",
    "mapper",
    "member",
    "nik",
    "rotated",
    "row",
    "sddd",
    "snapshot_name",
]

KEY, NEW_KEY = bytes(range(32)), bytes(range(32, 64))
REGIONS = Path(__file__).parents[2] / "producers" / "regions"
CARIK, SDDD = REGIONS / "carik-jakarta.toml", REGIONS / "jembrana-sddd.toml"
KAMPUNG = REGIONS / "banyuwangi-smart-kampung.toml"
ENVIRON = {
    "MUARA_CARIK_URL": "http://127.0.0.1:1",
    "MUARA_CARIK_CLIENT_ID": "invented",
    "MUARA_CARIK_CLIENT_SECRET": "invented-secret",
    "MUARA_SDDD_FOLDER": "/nowhere",
    "MUARA_SMARTKAMPUNG_DSN": "host=127.0.0.1 port=1",
    "MUARA_SUMEDANG_DESA_LISTEN": "127.0.0.1:0",
    "MUARA_SUMEDANG_DESA_SECRET": "invented-secret",
    "MUARA_SUMEDANG_SIMPATI_LISTEN": "127.0.0.1:0",
    "MUARA_SUMEDANG_SIMPATI_SECRET": "invented-secret",
}
COLUMNS = ("P301", "P302", "P303", "P304", "P350", "P351", "P401", "P403", "P404", "P405", "P407", "P408", "P409", "P411")


def carik(**environ: str) -> Declaration:
    """Return the declaration of Carik Jakarta."""
    return read_region_file(CARIK, {**ENVIRON, **environ})


def sddd(folder: Path | str = "/nowhere") -> Declaration:
    """Return the declaration of Jembrana's SDDD over a folder."""
    return read_region_file(SDDD, {**ENVIRON, "MUARA_SDDD_FOLDER": str(folder)})


def mapper(declared: Declaration, pseudonyms: Pseudonyms | None = None) -> Mapper:
    """Return a declaration's mapper with the invented key, or with pseudonyms given."""
    return Mapper(declared, pseudonyms or Pseudonyms(KEY, 1))


def rotated() -> Pseudonyms:
    """Return pseudonyms while the invented key gives way to another."""
    return Pseudonyms(NEW_KEY, 2, Pseudonyms(KEY, 1))


def card(serial: int) -> str:
    """Return an invented family card's number: area 990101, registered on 1 January 2020."""
    return f"990101010120{serial:04}"


def nik(serial: int) -> str:
    """Return an invented person's number: a woman born on 5 May 1990."""
    return f"990101450590{serial:04}"


def member(serial: int, **said: Any) -> dict[str, Any]:
    """Return an invented family member as Carik has them."""
    return {
        "nik": nik(serial),
        "nama": f"WARGA {serial:06}",
        "jenis_kelamin": "P",
        "tanggal_lahir": "1990-05-05",
        "hubungan": "KEPALA",
        "pendidikan": "SMA",
        "pekerjaan": "BURUH",
        "kehadiran": "ADA",
        **said,
    }


def family(serial: int, at: str = "2024-03-05T08:00:00.000001Z", **said: Any) -> dict[str, Any]:
    """Return an invented change of a family as Carik has them: three people, one of whom has moved away."""
    return {
        "no_kk": card(serial),
        "diubah_pada": at,
        "berlaku_sejak": "2024-03-01",
        "dihapus": False,
        "dibatalkan": False,
        "pengeluaran": {"makanan": 2_500_000, "bukan_makanan": 1_800_000, "dasar": "SURVEI"},
        "anggota": [member(1), member(2, hubungan="ANAK"), member(3, hubungan="LAIN", kehadiran="PINDAH")],
        "bantuan": [{"program": "PKH", "bulan_terakhir": "2024-02", "jumlah": 300_000}],
        **said,
    }


def building(*families: dict[str, Any], village: str = "31.74.01.1001", **said: Any) -> dict[str, Any]:
    """Return an invented building with one household of families as Carik has them."""
    household = {
        "no_urut": 1,
        "luas_lantai": 36,
        "jenis_lantai": "KERAMIK",
        "jenis_dinding": "TEMBOK",
        "jenis_atap": "GENTENG",
        "sumber_air": "PAM",
        "penerangan": "PLN",
        "bahan_bakar": "GAS",
        "kloset": "SENDIRI",
        "limbah": "SEPTIK",
        "status_rumah": "MILIK",
        "keluarga": list(families),
    }
    return {
        "kode_bangunan": "B-1",
        "kode_kelurahan": village,
        "dasawisma": "Lemon.002.003.001",
        "alamat": "JALAN CONTOH 12",
        "rumah_tangga": [household],
        **said,
    }


def row(serial: int, **said: str) -> list[str]:
    """Return an invented row of a snapshot: four people who spend 2,400,000 rupiah a month."""
    cells = dict.fromkeys(COLUMNS, "1") | {"P301": card(serial), "P302": nik(serial), "P303": "4", "P350": "2400000"} | said
    return [cells[column] for column in COLUMNS]


def snapshot_name(village: str, period: int, exported: datetime) -> str:
    """Return the name of a snapshot's file."""
    return f"sddd_{village}_{period}_{exported.astimezone(UTC):%Y%m%dT%H%M%S%f}000000"[:-6] + "Z.csv"


def drop(folder: Path, name: str, rows: Iterable[Sequence[str]], columns: Sequence[str] = COLUMNS) -> Path:
    """Drop a snapshot into a folder as the village's program does: under another name first."""
    text = "".join(",".join(line) + "\n" for line in [columns, *rows])
    (folder / f"{name}.part").write_text(text, encoding="utf-8")
    os.replace(folder / f"{name}.part", folder / name)  # noqa: PTH105 - the call that villages' programs make
    return folder / name

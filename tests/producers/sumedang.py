"""Invented notifications of Sumedang's two systems, signed as they sign them; every number here is visibly invented (area 99)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from producers.declaration import Declaration, WebhookSource
from producers.region_file import read_region_file
from tests.producers.samples import ENVIRON, REGIONS, card, nik

__all__ = ["DESA", "SECRET", "SIMPATI", "body_of", "child", "declared", "family", "headers", "measured", "person", "source", "told"]

DESA, SIMPATI = REGIONS / "sumedang-desa.toml", REGIONS / "sumedang-simpati.toml"
SECRET = b"invented-secret"


def declared(file: Path = DESA, **environ: str) -> Declaration:
    """Return the declaration of one of the two."""
    return read_region_file(file, {**ENVIRON, **environ})


def source(**said: Any) -> WebhookSource:
    """Return the declared source of the village services, with some of it said otherwise."""
    found = declared().source
    assert isinstance(found, WebhookSource)
    return WebhookSource.model_validate({**found.model_dump(), **said})


def person(serial: int, **said: Any) -> dict[str, Any]:
    """Return an invented member as the village services have them."""
    return {
        "nik": nik(serial),
        "nama": f"WARGA {serial:06}",
        "jenis_kelamin": "P",
        "tanggal_lahir": "1990-05-05",
        "hubungan": "KEPALA",
        "kehadiran": "ADA",
        **said,
    }


def family(serial: int, urut: int = 1, jenis: str = "keluarga.diubah", **said: Any) -> dict[str, Any]:
    """Return an invented notification of a family of two."""
    data = {
        "no_kk": card(serial),
        "kode_desa": "32.11.01.2001",
        "berlaku_sejak": "2024-05-01",
        "urut": urut,
        "jumlah_anggota": 2,
        "pengeluaran": {"jumlah": 3_100_000, "dasar": "SURVEI"},
        "rumah": {"status_rumah": "MILIK", "luas_lantai": 36, "jenis_lantai": "KERAMIK"},
        "anggota": [person(1), person(2, hubungan="ANAK")],
        "bantuan": [{"program": "BPNT", "bulan": "2024-04", "jumlah": 200_000}],
        **said,
    }
    return {"id": f"d-{serial}-{urut}", "waktu": "2024-05-02T03:04:05.000006Z", "jenis": jenis, "data": data}


def child(serial: int, **said: Any) -> dict[str, Any]:
    """Return an invented child as e-Simpati has them."""
    told = {"nik": nik(serial), "nama": f"WARGA {serial:06}", "tanggal_lahir": "2022-07-01", "berat_kg": "9.4", "tinggi_cm": "74.5"}
    return {**told, "status_gizi": "KURUS", **said}


def measured(serial: int, urut: int = 1, jenis: str = "balita.diukur", **said: Any) -> dict[str, Any]:
    """Return an invented notification of a household's measured children."""
    data = {"no_kk": card(serial), "kode_desa": "32.11.01.2001", "tanggal_ukur": "2024-05-07", "urut": urut, "balita": [child(8)], **said}
    return {"id": f"s-{serial}-{urut}", "waktu": "2024-05-08T03:04:05.000006Z", "jenis": jenis, "data": data}


def body_of(value: Any) -> bytes:
    """Return a body."""
    return json.dumps(value).encode()


def told(body: bytes, at: int, secret: bytes = SECRET) -> str:
    """Return the signature of a body at a time, as the systems' own page describes it."""
    return "sha256=" + hmac.new(secret, str(at).encode() + b"." + body, hashlib.sha256).hexdigest()


def headers(
    body: bytes, at: int, delivery: str = "invented-1", secret: bytes = SECRET, said: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the headers of a request; `said` overrides, with _ for -."""
    own = {"Content-Type": "application/json", "X-Timestamp": str(at), "X-Delivery": delivery, "X-Signature": told(body, at, secret)}
    return {**own, **{name.replace("_", "-"): value for name, value in (said or {}).items()}}

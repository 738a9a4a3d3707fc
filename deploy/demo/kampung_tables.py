"""
Smart Kampung's database: its tables, who may read them, and how a family is written into rows.

Why: the adapter meets a database as a village office would have made it: a family register, its members, a ledger of aid.
Must not: decide what is written (kampung.py does). Names, numbers and addresses are visibly invented.
"""

import secrets
from datetime import date
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from deploy.demo.days import moment
from deploy.demo.household import Household
from deploy.demo.kampung import Row
from deploy.demo.people import People

__all__ = ["AID", "FAMILY", "MEMBER", "READER", "TABLES", "Databases", "aid_of", "family_of", "house_of", "members_of", "prepare"]

READER, _OWNER = "muara_baca", "smart_kampung"
FAMILY = (
    "no_kk",
    "kode_desa",
    "jumlah_jiwa",
    "pengeluaran",
    "dasar_pengeluaran",
    "status_rumah",
    "luas_lantai",
    "jenis_lantai",
    "jenis_dinding",
    "sumber_air",
    "penerangan",
    "bahan_bakar",
    "kloset",
    "berlaku_sejak",
    "dibatalkan",
    "diubah_pada",
    "alamat",
    "nama_kepala",
)
"""The columns of `keluarga` that are written."""
_HOUSE = FAMILY[FAMILY.index("status_rumah") : FAMILY.index("berlaku_sejak")]
MEMBER = ("no_kk", "nik", "nama", "jenis_kelamin", "tanggal_lahir", "hubungan", "kehadiran")
AID = ("no_kk", "program", "bulan", "jumlah")
TABLES = f"""
create schema smart_kampung;
create table smart_kampung.keluarga (
    no_kk char(16) primary key, kode_desa text not null, jumlah_jiwa integer not null, pengeluaran bigint, dasar_pengeluaran text,
    status_rumah text, luas_lantai integer, jenis_lantai text, jenis_dinding text, sumber_air text, penerangan text, bahan_bakar text,
    kloset text, berlaku_sejak date not null, dibatalkan boolean not null default false, diubah_pada timestamptz not null,
    alamat text, nama_kepala text
);
create index on smart_kampung.keluarga (kode_desa);
create table smart_kampung.anggota (
    id bigint generated always as identity primary key, no_kk char(16) not null, nik char(16), nama text, jenis_kelamin text,
    tanggal_lahir date, hubungan text, kehadiran text
);
create index on smart_kampung.anggota (no_kk);
create table smart_kampung.bantuan (
    id bigint generated always as identity primary key, no_kk char(16) not null, program text, bulan date, jumlah bigint
);
create index on smart_kampung.bantuan (no_kk);
alter table smart_kampung.keluarga replica identity full;
alter table smart_kampung.anggota replica identity full;
alter table smart_kampung.bantuan replica identity full;
create publication muara for table smart_kampung.keluarga, smart_kampung.anggota, smart_kampung.bantuan;
grant usage on schema smart_kampung to {READER};
grant select on all tables in schema smart_kampung to {READER};
"""
_LAST_PAID = {"PKH": 750_000, "BPNT": 200_000}
_DWELLING = {
    "status_rumah": ("MILIK", "KONTRAK", "BEBAS"),
    "jenis_lantai": ("KERAMIK", "UBIN", "SEMEN", "TANAH"),
    "jenis_dinding": ("TEMBOK", "PLESTER", "KAYU", "BAMBU"),
    "sumber_air": ("PAM", "BOR", "SUMUR", "MATA_AIR"),
    "penerangan": ("PLN", "PLN_TANPA_METER"),
    "bahan_bakar": ("GAS", "LISTRIK", "KAYU"),
    "kloset": ("SENDIRI", "BERSAMA", "UMUM"),
}
"""What a family's dwelling is like, in the villages' words."""


class Databases(NamedTuple):
    """The address for whoever writes the tables, and for the adapter, which only reads; each with its password."""

    writer: str
    reader: str


def prepare(administrator: str, database: str = "smart_kampung") -> Databases:
    """Make a database, the role that owns it, and the role that reads it, on a server that this address may administrate."""
    passwords = {_OWNER: secrets.token_urlsafe(18), READER: secrets.token_urlsafe(18)}
    with psycopg.connect(administrator, autocommit=True) as connection:
        known = {name for (name,) in connection.execute("select rolname from pg_roles").fetchall()}
        for role, password in passwords.items():
            may = "login replication" if role == READER else "login"
            verb = "alter" if role in known else "create"
            statement = sql.SQL(f"{verb} role {{}} {may} password {{}}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
        connection.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(database), sql.Identifier(_OWNER)))
    writer, reader = (make_conninfo(administrator, user=role, password=secret, dbname=database) for role, secret in passwords.items())
    return Databases(writer, reader)


def house_of(one: Household) -> dict[str, Any]:
    """Return what a family's dwelling is like, by column."""
    odd = one.serial * 2_654_435_761 >> 5  # spreads neighbours; a dwelling stays as it is
    words = {name: words[odd % (7 + turn) % len(words)] for turn, (name, words) in enumerate(_DWELLING.items())}
    return {**words, "luas_lantai": 24 + odd % 70}


def family_of(row: Row) -> tuple[Any, ...]:
    """Return a family's row in the order of `FAMILY`."""
    one, fact = row.household, row.fact
    basis = None if fact.expenditure is None else "MODEL" if fact.modelled else "SURVEI"
    told = house_of(one)
    house = tuple(told[name] for name in _HOUSE)
    lives = (f"JALAN CONTOH {one.slot + 1}", f"WARGA {one.members[0]:06d}")
    return (one.card, row.village, fact.size, fact.expenditure, basis, *house, fact.day, row.cancelled, moment(row.at), *lives)


def members_of(card: str, members: tuple[tuple[int, str], ...], people: People) -> list[tuple[Any, ...]]:
    """Return members' rows in the order of `MEMBER`."""
    told = [people.record(person, presence, head=place == 0) for place, (person, presence) in enumerate(members)]
    return [
        (card, one["nik"] or None, one["nama"], one["jenis_kelamin"], one["tanggal_lahir"], one["hubungan"], one["kehadiran"])
        for one in told
    ]


def aid_of(card: str, aid: tuple[str, ...], day: date) -> list[tuple[Any, ...]]:
    """Return rows of the ledger in the order of `AID`."""
    return [(card, programme, day.replace(day=1), _LAST_PAID[programme]) for programme in aid]

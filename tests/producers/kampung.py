"""
An invented Smart Kampung: a real PostgreSQL database with its three tables, its role and its publication, made as its owner would.

Why: slots, snapshots and locks behave as PostgreSQL behaves, and nothing else does.
Must not: import the adapter's reading.
"""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from tests.producers.samples import card, nik

__all__ = ["DSN", "Kampung", "kampung"]

_PASSWORD = "invented-secret"
DSN = "MUARA_SMARTKAMPUNG_DSN"
_NUMBERS = itertools.count(1)
_TABLES = """
create schema smart_kampung;
create table smart_kampung.keluarga (
  no_kk char(16) primary key, kode_desa text, jumlah_jiwa integer, pengeluaran bigint, dasar_pengeluaran text,
  status_rumah text, luas_lantai int, jenis_lantai text, jenis_dinding text, sumber_air text, penerangan text, bahan_bakar text,
  kloset text, berlaku_sejak date, dibatalkan boolean not null default false, diubah_pada timestamptz, alamat text, nama_kepala text);
create table smart_kampung.anggota (
  id bigint generated always as identity primary key, no_kk char(16), nik char(16), nama text, jenis_kelamin text, tanggal_lahir date,
  hubungan text, kehadiran text);
create table smart_kampung.bantuan (
  id bigint generated always as identity primary key, no_kk char(16), program text, bulan date, jumlah bigint);
create index on smart_kampung.anggota (no_kk);
create index on smart_kampung.bantuan (no_kk);
alter table smart_kampung.keluarga replica identity full;
alter table smart_kampung.anggota replica identity full;
alter table smart_kampung.bantuan replica identity full;
create publication muara for table smart_kampung.keluarga, smart_kampung.anggota, smart_kampung.bantuan;
"""


class Kampung:
    """One such database; `owner` is its owner's connection, in autocommit mode."""

    def __init__(self, address: str, name: str, village: str) -> None:
        """Make the tables in an empty database; the role has the database's name."""
        self.name = self.role = name
        self.village, self._address = village, address
        self.dsn = make_conninfo(address, user=name, password=_PASSWORD)
        self.owner = psycopg.connect(address, autocommit=True)
        self.owner.execute(_TABLES)
        self.owner.execute(SQL("grant usage on schema smart_kampung to {}").format(Identifier(name)))
        self.grant()

    def grant(self) -> None:
        """Let the adapter's role read all tables that there are."""
        self.owner.execute(SQL("grant select on all tables in schema smart_kampung to {}").format(Identifier(self.role)))

    def another(self) -> "psycopg.Connection[Any]":
        """Return one more connection of the owner's, not in autocommit mode."""
        return psycopg.connect(self._address)

    @property
    def slot(self) -> str:
        """The slot of an adapter that reads it: slots' names are the whole server's."""
        return self.name

    def put(self, serial: int, size: int, since: date, members: int | None = None, **said: Any) -> None:
        """Write a family's row, new or not, and its members, all of them anew."""
        row = {
            "no_kk": card(serial),
            "kode_desa": self.village,
            "jumlah_jiwa": size,
            "pengeluaran": 2_400_000,
            "dasar_pengeluaran": "SURVEI",
            "status_rumah": "MILIK",
            "luas_lantai": 36,
            "berlaku_sejak": since,
            "diubah_pada": f"{since} 08:00:00.000001+07",
            "alamat": "JALAN CONTOH 12",
            "nama_kepala": f"WARGA {serial:06}",
            **said,
        }
        columns = SQL(", ").join(map(Identifier, row))
        values = SQL(", ").join(map(Literal, row.values()))
        changes = SQL(", ").join(SQL("{0} = excluded.{0}").format(Identifier(name)) for name in row)
        with self.owner.transaction():
            self.owner.execute(
                SQL("insert into smart_kampung.keluarga ({}) values ({}) on conflict (no_kk) do update set {}").format(
                    columns, values, changes
                )
            )
            self.owner.execute("delete from smart_kampung.anggota where no_kk = %s", (card(serial),))
            for one in range(size if members is None else members):
                self.add_member(serial, one + 1)

    def add_member(self, serial: int, number: int, sex: str = "P") -> None:
        """Write one more member."""
        self.owner.execute(
            "insert into smart_kampung.anggota (no_kk, nik, nama, jenis_kelamin, tanggal_lahir, hubungan, kehadiran)"
            " values (%s, %s, %s, %s, '1990-05-05', 'KEPALA', 'ADA')",
            (card(serial), nik(number), f"WARGA {number:06}", sex),
        )

    def end(self, serial: int, since: date) -> None:
        """Delete a family, its day of the end written into the row before."""
        with self.owner.transaction():
            self.owner.execute("update smart_kampung.keluarga set berlaku_sejak = %s where no_kk = %s", (since, card(serial)))
            for table in ("bantuan", "anggota", "keluarga"):
                self.owner.execute(SQL("delete from smart_kampung.{} where no_kk = %s").format(Identifier(table)), (card(serial),))

    def environ(self) -> dict[str, str]:
        """The environment that the region file wants."""
        return {DSN: self.dsn}

    def reconnect(self) -> None:
        """Open the owner's connection anew, after the server was restarted."""
        self.owner.close()
        self.owner = psycopg.connect(self._address, autocommit=True)


@contextmanager
def kampung(database: str, village: str) -> Iterator[Kampung]:
    """Make one in a database of its own on a server with wal_level = logical, with a role of its own; both go at the end."""
    name = f"kampung_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(database, autocommit=True) as server:
        server.execute(SQL("create database {}").format(Identifier(name)))
        server.execute(SQL("create role {} login replication password {}").format(Identifier(name), Literal(_PASSWORD)))
    try:
        made = Kampung(make_conninfo(database, dbname=name), name, village)
        try:
            yield made
        finally:
            made.owner.close()
    finally:
        with psycopg.connect(database, autocommit=True) as server:
            _remove(server, name)


def _remove(server: psycopg.Connection[Any], name: str) -> None:
    """Remove an adapter's slot, database and role; whoever still reads is ended."""
    server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
    while server.execute("select count(*) from pg_stat_activity where datname = %s", (name,)).fetchone() != (0,):
        time.sleep(0.01)
    server.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", (name,))
    server.execute(SQL("drop database {} with (force)").format(Identifier(name)))
    server.execute(SQL("drop role {}").format(Identifier(name)))

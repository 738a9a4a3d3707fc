"""
The database source from a PostgreSQL to the spool: rows and changes per second and memory, in a process of its own.

Why: a regency's first load is its whole table, and a programme's month changes a great part of it in one transaction.
Must not: count what a broker does: what is measured ends in the spool. The server is on the same machine and counts as it does there.

`python -m tests.bench.database DSN ROWS` prints the same for one server with wal_level = logical.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from deploy.embedded import Addresses, EmbeddedServices
from producers.checkpoint import StateFile
from producers.publisher import Publisher
from producers.reader import Reader
from producers.sources.opening import open_source
from producers.spool import Spool
from tests.memory import peak_mb
from tests.producers.kampung import Kampung, kampung
from tests.producers.samples import mapper
from tests.producers.sources.reading import declared

__all__ = ["database_measured"]

_VILLAGE = "98.01.01.2001"
_SMALL = 5
"""One change in so many is made in a transaction of its own."""
_FAMILIES = """
insert into smart_kampung.keluarga select '990101' || lpad((i / 9990 %% 20 + 1)::text, 2, '0') || '01' || lpad((i / 199800)::text, 2, '0')
  || lpad((i %% 9990 + 1)::text, 4, '0'), %s, 4, 2400000, 'SURVEI', 'MILIK', 36, 'KERAMIK', 'TEMBOK', 'PAM', 'PLN', 'GAS', 'SENDIRI',
  '2024-03-01', false, '2024-03-01 08:00:00.000001+07', 'JALAN CONTOH 12', 'WARGA 000001' from generate_series(0, %s - 1) i"""
_MEMBERS = """
insert into smart_kampung.anggota (no_kk, nik, nama, jenis_kelamin, tanggal_lahir, hubungan, kehadiran)
  select no_kk, '990101450590' || lpad(j::text, 4, '0'), 'WARGA 000001', 'P', '1990-05-05', 'ANAK', 'ADA'
  from smart_kampung.keluarga, generate_series(1, 4) j"""
_MONTH = "update smart_kampung.keluarga set pengeluaran = pengeluaran + 1, berlaku_sejak = '2024-04-01'"
_EACH = """
do $$ declare r record; begin
  for r in select no_kk from smart_kampung.keluarga where right(no_kk, 1)::int %% {0} = 0 loop
    update smart_kampung.keluarga set pengeluaran = pengeluaran + 1 where no_kk = r.no_kk; commit;
  end loop; end $$"""


def database_measured(directory: Path, platform: Addresses, rows: int) -> Mapping[str, float]:
    """
    Return rows and changes per second, and the greatest memory, of a database on a server of its own.

    The platform's server keeps the log that the other figures were measured with; its broker and registry are named so that no second
    ones are started.
    """
    server = EmbeddedServices.start(directory, fresh=True, kafka=platform.kafka, registry=platform.registry, wal_level="logical")
    with server:
        said = subprocess.run(  # noqa: S603 - this module
            [sys.executable, "-m", __name__, server.addresses.database, str(rows)], capture_output=True, text=True, check=True
        )
    found = json.loads(said.stdout)
    return {f"postgres_{name}": found[name] for name in ("rows_per_s", "changes_per_s", "small_changes_per_s", "rss_mb")}


def _measure(database: str, rows: int) -> Mapping[str, float]:
    with kampung(database, _VILLAGE) as made, tempfile.TemporaryDirectory() as name:
        made.owner.execute(_FAMILIES, (_VILLAGE, rows))
        made.owner.execute(_MEMBERS)
        made.owner.execute("analyze")
        found = _read(made, Path(name))
    rss_mb = peak_mb()
    return {**found, "rss_mb": rss_mb, "load": os.getloadavg()[0], "client": bool(Publisher)}


def _read(made: Kampung, folder: Path) -> dict[str, float]:
    told = declared(made, folder)
    with StateFile(folder / "s.sqlite", told.source_id) as state:
        source = open_source(told, mapper(told), state, made.environ(), _now)
        heard = source.delivered  # type: ignore[attr-defined]  # this kind hears it
        reader = Reader(
            source.read, state, {told.regencies[0]: 1}, _now, threading.Event(), spool_bytes=1 << 40, poll_s=0.01, delivered=heard
        )
        found = dict(_timed("rows", reader, state))
        made.owner.execute(_MONTH)
        found |= _timed("changes", reader, state)
        made.owner.execute(_EACH.format(_SMALL).replace("%%", "%"))
        found |= _timed("small_changes", reader, state)
        aside = state.connection.execute("select count(*) from quarantine").fetchone()[0]
        source.close()
    if aside:
        raise RuntimeError(f"{aside} rows were put aside")
    return found


def _timed(name: str, reader: Reader, state: StateFile) -> dict[str, float]:
    """Read until nothing more is there, delivering at once what is spooled; return the events per second, of the clock and of our work."""
    before, began, worked = _count(state), time.monotonic(), time.process_time()
    reader.caught_up.clear()
    while not reader.caught_up.is_set():
        reader.step()
        _deliver(state)
    took, worked, events = time.monotonic() - began, time.process_time() - worked, _count(state) - before
    return {f"{name}_per_s": events / took, f"{name}_per_cpu_s": events / worked}


def _deliver(state: StateFile) -> None:
    """Forget the spool as a broker's reports would let it, in one statement."""
    spool = Spool(state)
    if events := spool.size()[0]:
        region = state.connection.execute("select region from spool limit 1").fetchone()[0]
        spool.delivered(region, spool.last(), events, spool.size()[1])


def _count(state: StateFile) -> int:
    events, delivered = state.connection.execute("select spooled, delivered from adapter").fetchone()
    return int(events + delivered)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a bench measures time


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))))  # noqa: T201 - its answer

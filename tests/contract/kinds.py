"""
The kinds of source under test, all worked by the same verbs: list a household, stop listing it, spoil a record, say all again.

Why: a new kind of source adds a class here, not a suite.
Must not: know what the adapter makes of it.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.certify.stand_ins.workbooks import Sheet, write_workbook
from deploy.embedded.ports import free_port
from tests.contract.carik_server import CarikServer
from tests.contract.sumedang_sender import SumedangSender
from tests.producers import sumedang
from tests.producers.kampung import Kampung, kampung
from tests.producers.samples import CARIK, ENVIRON, KAMPUNG, SDDD, building, drop, family, member, row, snapshot_name
from tests.producers.sources.register import MERGED, REGION, as_text, name_of, register, table

__all__ = ["KINDS", "CarikKind", "DatabaseKind", "Kind", "PushingKind", "SnapshotKind", "WorkbookKind"]

_BEGIN = datetime(2024, 3, 1, 8, tzinfo=UTC)


class Kind(ABC):
    """A source of one invented regency; `living` is its own truth: the size of every household that is there."""

    region_file_of: Path
    pushes = False
    """It cannot be asked: what it told before must be told again by itself."""
    database = ""
    """A real server on which a source may make a database of its own; set by the suite before it runs."""

    def __init__(self, folder: Path, regency: str) -> None:
        """Write the product's region file for the invented regency."""
        self.folder, self.regency = folder, regency
        self.living: dict[int, int] = {}
        self.moment = _BEGIN
        self.region_file = folder / self.region_file_of.name
        text = re.sub(r"regencies = \[.*\]", f'regencies = ["{regency}"]', self.region_file_of.read_text(encoding="utf-8"))
        self.region_file.write_text(text, encoding="utf-8")

    @property
    def village(self) -> str:
        """The one village of the regency."""
        return f"{self.regency}.01.2001"

    @contextmanager
    @abstractmethod
    def running(self) -> Iterator[dict[str, str]]:
        """Run the source until the end of the block; give the environment that its region file wants."""

    def put(self, **sizes: int) -> None:
        """List households (`_7=3` is household 7 with three people), new ones or changed ones."""
        told = {int(name[1:]): size for name, size in sizes.items()}
        self.living |= told
        self._next()
        self._tell(told, [])

    def end(self, serial: int) -> None:
        """Stop listing a household."""
        del self.living[serial]
        self._next()
        self._tell({}, [serial])

    @abstractmethod
    def _tell(self, changed: dict[int, int], ended: list[int]) -> None:
        """Tell what changed."""

    @abstractmethod
    def spoil(self, serial: int) -> None:
        """Tell of a household in a way that the mapping cannot read; it is not among the living."""

    def say_all_again(self) -> None:  # noqa: B027 - nothing is to be done by most
        """Tell an adapter that knows nothing all that there is; one that asks needs no telling."""

    def has_told(self) -> bool:
        """Return whether all that was told is with the adapter, or can be had by asking."""
        return True

    def _next(self) -> None:
        self.moment += timedelta(days=31)


class CarikKind(Kind):
    """A change feed over HTTP."""

    region_file_of = CARIK

    def __init__(self, folder: Path, regency: str) -> None:
        """Know of no change."""
        super().__init__(folder, regency)
        self.city = CarikServer()
        self._tick = 0

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """Serve the changes."""
        with self.city.running() as address:
            yield {**ENVIRON, "MUARA_CARIK_URL": address}

    def _tell(self, changed: dict[int, int], ended: list[int]) -> None:
        since = f"{self.moment:%Y-%m-%d}"
        for serial, size in changed.items():
            people = [member(one + 1) for one in range(size)]
            self._add(family(serial, self._at(), berlaku_sejak=since, anggota=people))
        for serial in ended:
            self._add(family(serial, self._at(), berlaku_sejak=since, dihapus=True, anggota=None, pengeluaran=None))

    def spoil(self, serial: int) -> None:
        """Tell of a family with a code that nobody knows."""
        self._add(family(serial, self._at(), anggota=[member(1, jenis_kelamin="X")]))

    def many(self, count: int, people: int) -> None:
        """Tell of each family on its own."""
        self._tell(dict.fromkeys(range(1, count + 1), people), [])
        self.living |= dict.fromkeys(range(1, count + 1), people)

    def _add(self, one: dict[str, object]) -> None:
        self.city.tell(building(one, village=self.village))

    def _at(self) -> str:
        self._tick += 1
        return f"{self.moment + timedelta(microseconds=self._tick):%Y-%m-%dT%H:%M:%S.%f}Z"


class SnapshotKind(Kind):
    """A folder of snapshots: every change is a new month's file of the whole village."""

    region_file_of = SDDD

    def __init__(self, folder: Path, regency: str) -> None:
        """Make the folder; a village of three may lose one of them."""
        super().__init__(folder, regency)
        text = self.region_file.read_text(encoding="utf-8")
        self.region_file.write_text(text.replace("greatest_loss = 0.2", "greatest_loss = 0.5"), encoding="utf-8")
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self._files = 0

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """The folder is always there."""
        yield {**ENVIRON, "MUARA_SDDD_FOLDER": str(self.inbox)}

    def _tell(self, changed: dict[int, int], ended: list[int]) -> None:  # noqa: ARG002 - a snapshot tells all that are there
        self._drop([row(serial, P303=str(size)) for serial, size in sorted(self.living.items())])

    def spoil(self, serial: int) -> None:
        """List a household with a code that nobody knows, beside all others."""
        self._next()
        self._drop([*(row(one, P303=str(size)) for one, size in sorted(self.living.items())), row(serial, P401="77")])

    def _drop(self, rows: list[list[str]]) -> None:
        drop(self.inbox, snapshot_name(self.village, self.moment.year * 100 + self.moment.month, self.moment), rows)


class WorkbookKind(SnapshotKind):
    """The same folder, of registers as people make them: workbooks, every third one as text saved from it."""

    region_file_of = REGION

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """The folder is always there."""
        yield {**ENVIRON, "MUARA_DESA_FOLDER": str(self.inbox)}

    def _drop(self, rows: list[list[str]]) -> None:
        self._files += 1
        text = self._files % 3 == 0
        name = name_of(self.village, self.moment.year * 100 + self.moment.month, self.moment, "csv" if text else "xlsx")
        # Of Jembrana's columns the register has card, size and tenure, the last under the name of the floor.
        lines = table([register(0, kk=one[0], jiwa=int(one[2]), lantai=one[6]) for one in rows])
        if not text:
            write_workbook(self.inbox / name, Sheet("Data KK", lines, MERGED))
            return
        (self.inbox / f"{name}.part").write_bytes(as_text(lines).encode("utf-8-sig"))
        (self.inbox / f"{name}.part").replace(self.inbox / name)


class PushingKind(Kind):
    """A system that pushes its changes as signed JSON, and goes on trying until they are taken."""

    region_file_of = sumedang.DESA
    pushes = True

    def __init__(self, folder: Path, regency: str) -> None:
        """Know of no change."""
        super().__init__(folder, regency)
        self.sender = SumedangSender()
        self._urut = 0

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """Push the changes to a port that nobody else has."""
        port = free_port()
        with self.sender.running(port):
            yield {**ENVIRON, "MUARA_SUMEDANG_DESA_LISTEN": f"127.0.0.1:{port}"}

    def _tell(self, changed: dict[int, int], ended: list[int]) -> None:
        for serial, size in changed.items():
            people = [sumedang.person(one + 1) for one in range(size)]
            self.sender.tell(self._notification(serial, jumlah_anggota=size, anggota=people))
        silent = dict.fromkeys(("jumlah_anggota", "pengeluaran", "rumah", "anggota", "bantuan"))
        for serial in ended:
            self.sender.tell(self._notification(serial, "keluarga.berakhir", **silent))

    def spoil(self, serial: int) -> None:
        """Tell of a family with a code that nobody knows."""
        self.sender.tell(self._notification(serial, anggota=[sumedang.person(1, jenis_kelamin="X")]))

    def say_all_again(self) -> None:
        """Do what the system's operator does on request."""
        self.sender.tell_again()

    def has_told(self) -> bool:
        """Return whether all is taken."""
        return self.sender.idle()

    def _notification(self, serial: int, jenis: str = "keluarga.diubah", **said: object) -> dict[str, object]:
        self._urut += 1
        return sumedang.family(serial, self._urut, jenis, kode_desa=self.village, berlaku_sejak=f"{self.moment:%Y-%m-%d}", **said)


class DatabaseKind(Kind):
    """A PostgreSQL database, read by its log."""

    region_file_of = KAMPUNG
    made: Kampung

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """Make the database on the suite's server."""
        with kampung(self.database, self.village) as self.made:
            text = self.region_file.read_text(encoding="utf-8")
            self.region_file.write_text(text.replace('slot = "muara"', f'slot = "{self.made.slot}"'), encoding="utf-8")
            yield {**ENVIRON, **self.made.environ()}

    def _tell(self, changed: dict[int, int], ended: list[int]) -> None:
        for serial, size in changed.items():
            self.made.put(serial, size, self.moment.date())
        for serial in ended:
            self.made.end(serial, self.moment.date())

    def spoil(self, serial: int) -> None:
        """Write a family with a member of a code that nobody knows."""
        self._next()
        with self.made.owner.transaction():
            self.made.put(serial, 1, self.moment.date(), members=0)
            self.made.add_member(serial, 1, sex="X")


KINDS: dict[str, type[Kind]] = {
    "rest": CarikKind,
    "postgres": DatabaseKind,
    "files": SnapshotKind,
    "workbooks": WorkbookKind,
    "webhook": PushingKind,
}

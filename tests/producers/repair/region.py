"""
An invented region whose village services push: what they say goes through the adapter's own reader into its file, and is repaired there.

Why: what counts is what lies in spool and quarantine in the end.
Must not: open a port: how requests come in is tested elsewhere.
"""

import hashlib
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from producers.checkpoint import AdapterStatus, StateFile, status
from producers.declaration import WebhookSource
from producers.keys import begin_with
from producers.mapping import Mapper
from producers.mapping_version import must_be_raised
from producers.pseudonym import Pseudonyms
from producers.reader import Reader
from producers.region_file import read_region_file
from producers.repair.entries import Entry, listed
from producers.repair.match import Match
from producers.repair.planning import Left, Planned
from producers.repair.repairing import Counts, Repairing
from producers.sealed import make_tables
from producers.sources import Batch, mapped
from producers.sources.webhook.notifications import notifications
from schemas.codec import decode, parsed, schema_text
from schemas.registry import Registry
from schemas.signed import Signed
from schemas.topics import household_topic
from tests.producers.samples import ENVIRON, KEY, card
from tests.producers.sumedang import DESA, family, person

CODE = '[match]\nfield = "members.sex"\n[mapping.members.sex]\ntable = { X = 2 }\n'
"""A repair file that knows the code of an odd family."""
NOW = datetime(2024, 6, 1, 8, tzinfo=UTC)
SCHEMA_ID = 7


class Schemas:
    """The one schema that is written with."""

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Return it."""
        assert schema_id == SCHEMA_ID
        return parsed("HouseholdChanged")

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Fail: nothing is written so."""
        raise AssertionError(guid)


def no_registry() -> Registry:
    """Stand for a registry that need not be asked."""
    raise AssertionError("the schema's id is kept")


class Region:
    """The region; `pseudonyms` are those of the adapter that runs."""

    def __init__(self, folder: Path) -> None:
        """Put its file there; nothing was said yet."""
        self.folder, self.pseudonyms = folder, Pseudonyms(KEY, 1)
        self.file = folder / "desa.toml"
        self.file.write_text(DESA.read_text(encoding="utf-8"), encoding="utf-8")
        self.state_file = folder / "desa.sqlite"

    def say(self, *bodies: Any) -> None:
        """Say bodies, as one batch, to an adapter that is started for it."""
        declared = read_region_file(self.file, ENVIRON)
        assert isinstance(declared.source, WebhookSource)
        mapper = Mapper(declared, self.pseudonyms)
        records = [node for body in bodies for node in notifications(body, declared.source.records)[0]]
        with StateFile(self.state_file, "desa") as state:
            make_tables(state.connection)
            begin_with(state, self.pseudonyms, lambda _: None)
            must_be_raised(state, declared, self.file)
            self._keep_schema_id(state)

            def read(position: str | None) -> Batch:
                events, aside = mapped(mapper, records, declared.source.path)  # type: ignore[union-attr]  # asserted above
                corrected = [mark for event in events for mark in mapper.marks_of(event)]
                return Batch(events, position, caught_up=True, aside=list(aside.values()), corrected=corrected)

            reader = Reader(
                read,
                state,
                {"32.11": SCHEMA_ID},
                lambda: NOW,
                threading.Event(),
                spool_bytes=1 << 30,
                poll_s=0.0,
                seal=self.pseudonyms.seal,
            )
            reader.step()

    @staticmethod
    def _keep_schema_id(state: StateFile) -> None:
        state.keep_schema_id(household_topic("32.11"), hashlib.sha256(schema_text("HouseholdChanged").encode()).hexdigest(), SCHEMA_ID)

    def written(self, text: str, name: str = "repair.toml") -> Path:
        """Write a repair's file."""
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def mended(self, *changes: tuple[str, str], version: int = 2) -> Path:
        """Write a mended region file: its text with changes, under a version."""
        text = self.file.read_text(encoding="utf-8")
        for before, after in [("mapping_version = 1", f"mapping_version = {version}"), *changes]:
            assert before in text
            text = text.replace(before, after)
        return self.written(text, "mended.toml")

    def opened(self, file: Path, pseudonyms: Pseudonyms | None = None) -> Repairing:
        """Begin a repair."""
        return Repairing(file, self.file, self.state_file, pseudonyms or self.pseudonyms, {})

    def planned(self, file: Path, pseudonyms: Pseudonyms | None = None) -> list[Planned]:
        """Return what a dry run says of each record."""
        with self.opened(file, pseudonyms) as work:
            return [one for some in work.plans(lambda _, __: None) for one in some]

    def repair(self, file: Path, spool_bytes: int = 1 << 30) -> Counts:
        """Repair."""
        with self.opened(file) as work:
            return work.send(signed(work), no_registry, spool_bytes, lambda _, __: None)

    def entries(self) -> list[Entry]:
        """Return what is in quarantine, the newest first."""
        return listed(self.state_file, Match(), 1_000_000)

    def spooled(self) -> list[dict[str, Any]]:
        """Return the events that wait, decoded, in their order."""
        with StateFile(self.state_file, "desa") as state:
            rows = state.connection.execute("select value from spool order by seq").fetchall()
        return [decode("HouseholdChanged", value, (), Schemas()) for (value,) in rows]

    @property
    def status(self) -> AdapterStatus:
        """How the adapter stands."""
        found = status(self.state_file)
        assert found is not None
        return found

    def bytes_on_disk(self) -> bytes:
        """Return every byte of the adapter's file and of what SQLite has beside it."""
        return b"".join(one.read_bytes() for one in self.folder.glob("desa.sqlite*"))


def signed(work: Repairing) -> Signed:
    """Return who repairs, and why."""
    return Signed("OFFICER 01", "account", "the code is new", work.mending.file_name, work.mending.digest)


def serials(found: Iterable[dict[str, Any]], pseudonyms: Pseudonyms, upto: int = 20) -> list[int]:
    """Return the serials of the cards of events."""
    known = {pseudonyms.family_card(card(serial)): serial for serial in range(upto)}
    return [known[one["household"]] for one in found]


def odd(serial: int, urut: int = 1, **more: Any) -> dict[str, object]:
    """Return a family with a code that nobody knows."""
    return family(serial, urut, anggota=[person(1, jenis_kelamin="X")], **more)


def whys(region: Region, file: Path, pseudonyms: Pseudonyms | None = None) -> set[str]:
    """Return why records stay."""
    return {one.plan.why for one in region.planned(file, pseudonyms) if isinstance(one.plan, Left)}

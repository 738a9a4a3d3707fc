"""`muara adapter status`: whoever asks sees how an adapter stands, with no address and no key."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.backfill_log import BackfillKept
from producers.checkpoint import StateFile
from producers.declaration import DriftModes
from producers.drift_log import DriftKept
from producers.faults import SourceFrozen
from producers.plausible import CARDS, PERSON_AREA, PERSONS, SEX
from producers.plausible_log import add_plausible
from producers.quarantine import PutAside, put_aside
from producers.sources import Backfill
from producers.sources.webhook.memory import make_tables, note
from producers.spool import Spool
from tests.deploy.test_cli import muara
from tests.producers.samples import CARIK, carik, mapper

DESA = CARIK.with_name("sumedang-desa.toml")


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command reads the clock


def _worked(folder: Path, *, loading: bool = True) -> None:
    """Make the file of Carik's adapter as it stands in the middle of its first load, a minute after it began."""
    begun = _now() - timedelta(seconds=60)
    with StateFile(folder / "carik.sqlite", "carik") as state:
        state.start()
        DriftKept(mapper(carik().model_copy(update={"drift": DriftModes(new_field="freeze")})), state).freeze(
            SourceFrozen(field="anggota.agama", drift="new_field"), begun
        )
        kept = BackfillKept(state.connection)
        with state.transaction():
            Spool(state).append([("31.74", b"h", b"v" * 1_000)] * 3)
            kept.keep(Backfill(100_000, 1_000_000), begun)
            kept.keep(Backfill(400_000, 1_000_000), begun + timedelta(seconds=59))
            if not loading:
                kept.keep(None, begun + timedelta(seconds=60))
            state.move("snapshot [1]", _now() - timedelta(seconds=5), nothing_more=False)
            put_aside(state, [PutAside(b"m", "place", "field", "cause", "9")], begun)
            add_plausible(state.connection, {CARDS: 1_200, PERSONS: 4_000, PERSON_AREA: 3, SEX: 2})
        state.reading("reading")
        state.sending("waiting for broker", "kafka:9092 does not answer")


def test_people_see_how_it_stands(tmp_path: Path) -> None:
    """State, progress with the time that is left, position, spool, quarantine and drift; the process that wrote it lives."""
    _worked(tmp_path / ".muara" / "adapters")
    shown = muara("adapter", "status", str(CARIK), cwd=tmp_path)
    lines = {line[:15].strip(): line[15:].strip() for line in shown.stdout.splitlines()}

    assert (shown.returncode, shown.stderr) == (0, "")
    assert lines["first load"].startswith("400,000 of 1,000,000 records (40 %), ")
    assert lines["first load"].endswith("left")
    assert {
        name: lines[name] for name in ("source", "process", "reading", "sending", "position", "in the spool", "in quarantine", "drift")
    } == {
        "source": "carik",
        "process": str(os.getpid()),
        "reading": "reading",
        "sending": "waiting for broker: kafka:9092 does not answer",
        "position": "snapshot [1]",
        "in the spool": "3 events, 0.0 MB",
        "in quarantine": "1 records and files",
        "drift": "anggota.agama new field: freeze, 1 records",
    }
    assert lines["put aside"] == "1: field cause"
    said = "1,200 cards' and 4,000 persons' numbers looked at (the first 1,000 records', then one in 256): 0 and 3 begin with an area"
    assert said in " ".join(shown.stdout.split())
    assert "2 persons' say another sex than the record, 0 another month of birth" in " ".join(shown.stdout.split())


def test_a_cursor_s_long_numbers_are_hidden(tmp_path: Path) -> None:
    """A source may make its cursor of a card's number; neither people nor machines are shown it."""
    _worked(tmp_path / ".muara" / "adapters")
    with StateFile(tmp_path / ".muara" / "adapters" / "carik.sqlite", "carik") as state, state.transaction():
        state.move("2024-03-01T00:00:00Z|9901010101200001", _now(), nothing_more=False)
    for form in ((), ("--json",)):
        shown = muara("adapter", "status", str(CARIK), *form, cwd=tmp_path).stdout
        assert "2024-03-01T00:00:00Z|9999999999999999" in shown
        assert "9901010101200001" not in shown


@pytest.mark.parametrize("loading", [True, False])
def test_machines_read_it(tmp_path: Path, loading: bool) -> None:
    """One JSON object, times in ISO 8601; what is left is a number of seconds, 0 when the load is over."""
    _worked(tmp_path / ".muara" / "demo" / "adapters", loading=loading)
    told = json.loads(muara("adapter", "status", str(CARIK), "--json", cwd=tmp_path).stdout)

    assert (told["source"], told["spooled"], told["runs"], told["received"]) == ("carik", 3, True, None)
    assert told["identifiers"] == {
        "cards": 1_200,
        "persons": 4_000,
        "cards_of_unknown_area": 0,
        "persons_of_unknown_area": 3,
        "other_sex": 2,
        "other_birth": 0,
    }
    assert told["state"] == "waiting for broker: kafka:9092 does not answer"
    assert (told["backfill"]["read"], told["backfill"]["total"]) == (400_000, 1_000_000)
    assert datetime.fromisoformat(told["asked_at"]) > datetime.fromisoformat(told["backfill"]["begun"])
    if loading:
        assert 60 < told["backfill"]["remaining_s"] < 600
        assert told["backfill"]["per_s"] == pytest.approx(600_000 / told["backfill"]["remaining_s"])
    else:
        assert (told["backfill"]["remaining_s"], told["backfill"]["per_s"]) == (0.0, None)


def test_a_receiver_tells_what_it_refused(tmp_path: Path) -> None:
    """By cause, with how many requests and what was answered, the most first; a process that is gone is told."""
    with StateFile(tmp_path / ".muara" / "adapters" / "desa.sqlite", "desa") as state:
        make_tables(state.connection)
        note(state.connection, "127.0.0.1:8443", 7, 2, _now(), {"signature is wrong": 4, "too fast": 9})
    shown = muara("adapter", "status", str(DESA), cwd=tmp_path)

    assert shown.returncode == 0
    assert "does not run" in shown.stdout
    assert "refused        9 requests: too fast (HTTP 429, to be sent again)" in shown.stdout
    assert "4 requests: signature is wrong" in [line.removeprefix("refused").strip() for line in shown.stdout.splitlines()]
    assert "7 requests, 2 of them known already, at 127.0.0.1:8443" in shown.stdout


def test_where_no_adapter_has_worked_that_is_said(tmp_path: Path) -> None:
    """One line with what to do, exit code 2, and nothing is made."""
    shown = muara("adapter", "status", str(CARIK), cwd=tmp_path)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert "no adapter of source carik has worked in .muara/adapters: run this where the adapter runs" in shown.stderr
    assert not (tmp_path / ".muara").exists()


@pytest.mark.parametrize(
    ("content", "why"), [(b"no database at all, but long enough to be one" * 40, "file is not a database"), (b"", "another version")]
)
def test_a_file_that_is_no_adapters_is_said(tmp_path: Path, content: bytes, why: str) -> None:
    """Something else under its name is told with its cause, and exit code 2."""
    (tmp_path / ".muara" / "adapters").mkdir(parents=True)
    (tmp_path / ".muara" / "adapters" / "carik.sqlite").write_bytes(content)
    shown = muara("adapter", "status", str(CARIK), cwd=tmp_path)

    assert shown.returncode == 2
    assert f"is not a state file of this version ({why})" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1

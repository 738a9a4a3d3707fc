"""What of a region file decides what is read or made, and when a change of it is told."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.checkpoint import StateFile
from producers.declaration import Declaration, FilesSource, PostgresSource, RestSource, WebhookSource
from producers.region_change import HOW, WHAT, Reminder, change_told, notice, settle
from tests.producers.samples import carik, sddd

NOW = datetime(2024, 4, 1, 8, 30, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    """The file of an adapter that has read something by Carik's file."""
    made = StateFile(tmp_path / "carik.sqlite", "carik")
    _start(made, carik())
    with made.transaction():
        made.move("x", NOW, nothing_more=True)
    return made


def _start(state: StateFile, declared: Declaration, forget: Callable[[sqlite3.Connection], None] = lambda _: None) -> str:
    """Start an adapter with a region file; return what is told then."""
    with state.transaction() as connection:
        notice(connection, declared, "kota.toml", NOW, forget)
    return change_told(state.connection)


def _with(**changed: Any) -> Declaration:
    """Return Carik's declaration with something changed in its source."""
    declared = carik()
    return declared.model_copy(update={"source": declared.source.model_copy(update=changed)})


@pytest.mark.parametrize("kind", [RestSource, PostgresSource, FilesSource, WebhookSource])
def test_every_word_of_a_source_is_what_or_how(kind: type[RestSource]) -> None:
    """Whoever adds a word to the language says whether it decides what is read: none is forgotten, none is both."""
    assert set(kind.model_fields) <= WHAT | HOW
    assert not WHAT & HOW


@pytest.mark.parametrize(
    ("declared", "parts"),
    [
        (_with(records="data[].rumah_tangga[].anggota[]"), "records"),
        (_with(changes="/v2/lain", snapshot=None), "changes, snapshot"),
        (carik().model_copy(update={"regencies": ("31.71", "31.72")}), "regencies"),
        (carik().model_copy(update={"mapping": sddd().mapping, "mapping_version": 2}), "mapping"),
    ],
)
def test_what_decides_what_is_read_is_told_by_name(state: StateFile, declared: Declaration, parts: str) -> None:
    """It is told over restarts, even when the file is changed back: what was read between was read by another one."""
    told = _start(state, declared)

    assert told.startswith(f"the region file has changed ({parts}; 2024-04-01 08:30 UTC): ")
    assert "muara adapter resend kota.toml --since 1970-01-01 reads all again" in told
    assert _start(state, declared) == told
    assert _start(state, carik()).startswith(f"the region file has changed ({parts}; ")
    with state.transaction() as connection:
        assert settle(connection)
        assert not settle(connection)
    assert _start(state, carik()) == change_told(state.connection) == ""


@pytest.mark.parametrize(
    "declared",
    [
        _with(url="https://other.invalid", poll_s=9.0, timeout_s=9.0, token=None),
        carik().model_copy(update={"regencies": carik().regencies[::-1], "name": "Lain", "mapping_version": 2}),
    ],
)
def test_what_does_not_decide_it_is_not_told(state: StateFile, declared: Declaration) -> None:
    """Another address, pace or name, the order of regencies and a raised version alone leave what was read as it is."""
    assert _start(state, declared) == ""


def test_before_anything_was_read_nothing_has_changed(tmp_path: Path) -> None:
    """A file that never led to a record may be corrected as often as it needs."""
    with StateFile(tmp_path / "carik.sqlite", "carik") as state:
        _start(state, _with(records="dat[]"))
        assert _start(state, carik()) == ""
        with state.transaction():
            state.move("x", NOW, nothing_more=True)
        assert _start(state, carik()) == ""


def test_a_source_that_pushes_is_taken_anew(state: StateFile) -> None:
    """What it sent under the old file counts as not taken, once, when the change is noticed."""
    forgotten: list[sqlite3.Connection] = []
    for declared in (carik(), _with(records="x[]"), _with(records="x[]")):
        _start(state, declared, forgotten.append)

    assert len(forgotten) == 1


def test_it_is_told_in_the_log_every_hour(state: StateFile, caplog: pytest.LogCaptureFixture) -> None:
    """At the start and then from time to time, until it is settled."""
    told = _start(state, _with(records="x[]"))
    remind = Reminder(state.connection)
    for minutes in (0, 1, 59, 61, 62):
        remind(NOW + timedelta(minutes=minutes))

    assert [record.getMessage() for record in caplog.records] == [told] * 2

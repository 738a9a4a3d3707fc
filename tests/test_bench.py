"""What `make bench` promises of itself: what a plain run measures, what its file holds, and when it ends with 0."""

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench import certify
from tests.bench.__main__ import options
from tests.bench.figures import TARGETS, Board
from tests.certify.untried import NOT_TRIED
from tests.producers.samples import REGIONS

PROMISED = {
    "first_load_per_s": 120_000,
    "updates_per_s": 80_000,
    "duplicates_per_s": 150_000,
    "one_worker_updates_per_s": 48_000,
    "latency_p50_ms": 100,
    "latency_p99_ms": 300,
    "restart_to_commit_s": 5,
    "worker_rss_mb": 300,
    "takeover_s": 8,
    "sigterm_takeover_s": 3,
    "bytes_per_household": 1_000,
    "first_load_514_topics_per_s": 100_000,
    "rest_records_per_s": 8_000,
    "files_rows_per_s": 30_000,
    "postgres_changes_per_s": 15_000,
    "webhook_requests_per_s": 2_000,
    "certify_s": 300,
} | {f"{kind}_change_to_kafka_p99_s": 2 for kind in ("rest", "files", "postgres", "webhook")}


def board(file: Path, *, whole: bool = False) -> tuple[Board, io.StringIO]:
    """Return a board and what it prints."""
    out = io.StringIO()
    return Board(file, Console(file=out, width=300), whole=whole), out


def test_a_plain_run_measures_everything_at_full_size() -> None:
    """Many topics and certifications are not left to those who know an option."""
    told = options([])
    assert {"workers", "files", "rest", "backfill", "postgres", "webhook", "514", "certify"} == told.parts
    assert (told.households, told.families, told.file.name) == (1_000_000, 1_000_000, "bench.json")


def test_a_quick_run_leaves_out_what_is_slow_and_writes_another_file() -> None:
    """Figures of small sizes are never taken for those of full ones, whichever size is small."""
    told = options(["--quick"])
    assert not {"514", "certify"} & told.parts
    assert told.file.name == options(["--households", "20000"]).file.name == "bench-small.json"
    assert options(["--quick", "--only", "514", "--only", "adapters"]).parts == {"514", "files", "rest", "backfill", "postgres", "webhook"}


@pytest.mark.parametrize(("name", "goal"), PROMISED.items())
def test_every_promised_figure_has_its_target(name: str, goal: float) -> None:
    """The names and limits are part of the promise: a rate must be at least, all else at most."""
    (target,) = [one for one in TARGETS if one.name == name]
    assert target.goal == goal
    assert target.at_least == name.endswith("_per_s")


def test_names_are_told_once() -> None:
    """A second target of a name would hide the first."""
    assert len({one.name for one in TARGETS}) == len(TARGETS)


def test_the_file_forgets_names_that_are_none_any_more_and_figures_that_failed(tmp_path: Path) -> None:
    """What another run measured of other parts stays, and is shown as such."""
    file = tmp_path / "bench.json"
    file.write_text(json.dumps({"files_rss_mb": 1.0, "updates_per_s": 2.0, "takeover_s": 3.0, "certify_s": 4.0}))
    one, out = board(file)
    one.add({"takeover_s": 6.0})
    one.attempt("updates_per_s", _fails)
    one.show()
    one.write()
    assert json.loads(file.read_text()) == {"takeover_s": 6.0, "certify_s": 4.0}
    assert "(4.00)" in out.getvalue()
    assert "of an earlier run" in out.getvalue()


def test_a_whole_run_keeps_nothing_of_an_earlier_one(tmp_path: Path) -> None:
    """A file of mixed ages would be read as one measurement."""
    file = tmp_path / "bench.json"
    file.write_text(json.dumps({"certify_s": 4.0}))
    one, _ = board(file, whole=True)
    one.add({"takeover_s": 6.0})
    one.write()
    assert json.loads(file.read_text()) == {"takeover_s": 6.0}


def test_what_could_not_be_measured_or_was_wrong_is_no_success(tmp_path: Path) -> None:
    """A shortfall is told and is no failure; a figure that is missing, or figures that are not exact, are."""
    short, out = board(tmp_path / "a.json")
    short.add({"updates_per_s": 1.0})
    short.show()
    assert short.good
    assert "SHORT" in out.getvalue()
    failed, out = board(tmp_path / "b.json")
    failed.attempt("updates_per_s", _fails)
    failed.show()
    assert not failed.good
    assert "NOT MEASURED: updates_per_s: ValueError: an invented failure" in out.getvalue()
    wrong, _ = board(tmp_path / "c.json")
    wrong.accuse("NOT EXACT: an invented difference")
    assert not wrong.good


def test_a_region_file_that_does_not_pass_is_told_with_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure is the slowest's all the same; one without a certificate, or less tried than is known, makes the bench end with 1."""

    def played(file: Path, _: Path) -> Mapping[str, object]:
        held = file.stem != "carik-jakarta"
        scenarios = [{"name": "insert", "result": "held"}, {"name": "key move", "result": "held" if held else "FAILED"}]
        scenarios += [{"name": name, "result": "not tried"} for name in NOT_TRIED[file.stem]]
        scenarios += [{"name": "delete", "result": "not tried" if file.stem == "jembrana-sddd" else "held"}]
        seconds = 200.5 if held else 100.0
        return {"verdict": "an invented one", "passed": held, "seconds": seconds, "peak_mb": 100.0, "scenarios": scenarios}

    monkeypatch.setattr(certify, "_played", played)
    one, out = board(tmp_path / "bench.json")
    one.attempt("certify_s", lambda: certify.certify_figures(tmp_path, one.tell, one.accuse))
    assert one.measured == {"certify_s": 200.5}
    assert not one.good
    carik, jembrana = one.wrong
    assert "NOT CERTIFIED: carik-jakarta.toml: an invented one (key move;" in carik
    assert "NOT AS KNOWN: jembrana-sddd.toml: delete went untried" in jembrana
    assert out.getvalue().count("MB at most") == len(list(REGIONS.glob("*.toml")))


def _fails() -> Mapping[str, float]:
    raise ValueError("an invented failure\nand more")


def test_the_readme_tells_every_figure_and_what_is_wanted_of_it() -> None:
    """Its tables have each name once, with the goal that the bench holds it to."""
    section = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").split("\n## Figures\n")[1].split("\n## ")[0]
    told = re.findall(r"^\|.*\| `(\w+)` \| ([\d,]+) (/s|ms|s|MB|bytes) \|", section, re.MULTILINE)
    assert sorted((name, float(goal.replace(",", ""))) for name, goal, _ in told) == sorted((one.name, one.goal) for one in TARGETS)
    assert [name for name, _, unit in told if (unit == "/s") != name.endswith("_per_s")] == []

"""A certificate says what was tried, what held and what did not, alike in every form."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from rich.console import Console

from deploy.certify.checks import CHECKS
from deploy.certify.course import Certificate, Tried
from deploy.certify.report import as_html, as_json, as_table, verdict
from deploy.certify.scene import Finding

SOUND = Tried("insert", "Families are told of.", [Finding("nothing lost", held=True)], 1.0)
FAILED = Tried("update", "Sizes <change>.", [Finding("nothing lost", held=False, words=["family 3 is gone"])], 2.0)
NOT_TRIED = Tried("retraction", "A statement was wrong.", [], 0.0, not_applicable="it declares no `retracted`")


MADE = datetime(2026, 3, 1, 8, tzinfo=UTC)


def certificate(*tried: Tried, left_out: Sequence[str] = ()) -> Certificate:
    """Return a certificate of an invented region."""
    return Certificate("contoh.toml", "Contoh <1>", "contoh", "rest", 3, "ab" * 32, tried, left_out, 71.5, MADE, 12.0)


def test_what_could_not_be_tried_fails_nobody() -> None:
    """A region file that has no word for something is certified without it, and the certificate says so."""
    found = certificate(SOUND, NOT_TRIED)

    assert found.passed
    assert json.loads(as_json(found))["scenarios"][1]["result"] == "not tried"
    assert json.loads(as_json(found))["not_tried"] == {"retraction": "it declares no `retracted`"}
    assert "not tried: retraction" in as_html(found)
    assert "it declares no `retracted`" in as_html(found)


def test_a_failure_stands_in_every_form() -> None:
    """With its check and its words; whatever a region calls itself is no markup."""
    found = certificate(SOUND, FAILED)
    told = json.loads(as_json(found))
    console = Console(width=120)
    with console.capture() as shown:
        console.print(as_table(found))
    page = as_html(found)

    assert not found.passed
    assert not told["passed"]
    assert told["scenarios"][1]["failures"] == ["nothing lost: family 3 is gone"]
    assert "FAILED" in shown.get()
    assert "family 3 is gone" in shown.get()
    assert "family 3 is gone" in page
    assert "Contoh &lt;1&gt;" in page
    assert "Sizes &lt;change&gt;." in page


def test_a_part_of_the_course_is_no_certificate() -> None:
    """However well it went: whoever is handed it must not take it for one."""
    found = certificate(SOUND, left_out=["update"])
    told = json.loads(as_json(found))

    assert verdict(found) == "no certificate: what was tried held; left out: 1 of 2 scenarios"
    assert (told["passed"], told["left_out"]) == (False, ["update"])
    assert "What was left out" in as_html(found)
    assert verdict(certificate(SOUND, NOT_TRIED)) == "passed: all 1 scenarios held; not tried: retraction"
    assert verdict(certificate(SOUND, FAILED)) == "NOT PASSED: 1 of 2 scenarios did not hold"


def test_a_reviewer_is_told_what_was_seen_to_and_of_what() -> None:
    """The file's digest, when, by which version, and what each check means."""
    told = json.loads(as_json(certificate(SOUND)))

    assert (told["region_file"], told["region_file_sha256"], told["made_at"]) == ("contoh.toml", "ab" * 32, "2026-03-01T08:00:00+00:00")
    assert told["muara"]
    assert set(CHECKS) < set(told["checks"])
    assert all(told["checks"].values())


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_a_terminal(width: int) -> None:
    """No line is longer, and no word of a failure is lost."""
    console = Console(width=width)
    long = Tried("killed: position moved, not committed", "The adapter is killed.", FAILED.findings, 3.0)
    with console.capture() as shown:
        console.print(as_table(certificate(SOUND, long, NOT_TRIED)))

    assert max(map(len, shown.get().splitlines())) <= width
    assert "nothing lost: family 3 is gone" in " ".join(shown.get().split())

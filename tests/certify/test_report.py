"""A certificate says what was tried, what held and what did not, alike in every form."""

import json

from rich.console import Console

from deploy.certify.course import Certificate, Tried
from deploy.certify.report import as_html, as_json, as_table
from deploy.certify.scene import Finding

SOUND = Tried("insert", "Families are told of.", [Finding("nothing lost", held=True)], 1.0)
FAILED = Tried("update", "Sizes <change>.", [Finding("nothing lost", held=False, words=["family 3 is gone"])], 2.0)
NOT_TRIED = Tried("retraction", "A statement was wrong.", [], 0.0, not_applicable="it declares no `retracted`")


def certificate(*tried: Tried) -> Certificate:
    """Return a certificate of an invented region."""
    return Certificate("Contoh <1>", "contoh", "rest", 3, "ab" * 32, tried, 71.5, 12.0)


def test_what_could_not_be_tried_fails_nobody() -> None:
    """A region file that has no word for something is certified without it, and the certificate says so."""
    found = certificate(SOUND, NOT_TRIED)

    assert found.passed
    assert json.loads(as_json(found))["scenarios"][1]["result"] == "not applicable"
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

"""
The report of a certification: for a terminal, as JSON, and as one page of HTML that needs nothing else.

Why: an author sees what to mend, an operator keeps the proof, the office files it: each form says what was tried, what not, and of what.
Must not: judge, or name anything of a real source.
"""

import json
from collections.abc import Iterable, Iterator
from html import escape
from importlib.metadata import version
from typing import Any

from rich.table import Table
from rich.text import Text

from deploy.certify.checks import CHECKS
from deploy.certify.course import Certificate, Tried
from deploy.certify.scene import HAPPENED

__all__ = ["as_dict", "as_html", "as_json", "as_table", "failures", "result_words", "verdict"]

_HAPPENED = "What the scenario is about took place: states were shown, what cannot be read was put aside, and the adapter went on."


def meanings() -> dict[str, str]:
    """Return what each check sees to, in a sentence."""
    return {HAPPENED: _HAPPENED, **{name: (check.__doc__ or "").strip().split("\n")[0] for name, check in CHECKS.items()}}


def verdict(found: Certificate) -> str:
    """Return how it came out, in a sentence: whoever reads nothing else is told whether it is a certificate, and of what it is none."""
    failed = sum(not one.held for one in found.tried)
    without = [one.name for one in found.tried if one.not_applicable]
    untried = f"; not tried: {', '.join(without)}" if without else ""
    if failed:
        return f"NOT PASSED: {failed} of {len(found.tried)} scenarios did not hold{untried}"
    if not found.complete:
        every = len(found.left_out) + len(found.tried)
        return f"no certificate: what was tried held; left out: {len(found.left_out)} of {every} scenarios{untried}"
    return f"passed: all {len(found.tried) - len(without)} scenarios held{untried}"


def as_dict(found: Certificate) -> dict[str, Any]:
    """Return a certificate in JSON's own shapes."""
    return {
        "verdict": verdict(found),
        "passed": found.passed and found.complete,
        "region": found.region,
        "source": found.source,
        "kind": found.kind,
        "mapping_version": found.mapping_version,
        "region_file": found.file,
        "region_file_sha256": found.digest,
        "made_at": found.made_at.isoformat(timespec="seconds"),
        "muara": version("muara"),
        "seconds": round(found.seconds, 1),
        "peak_mb": round(found.peak_mb, 1),
        "checks": meanings(),
        "left_out": list(found.left_out),
        "not_tried": {one.name: one.not_applicable for one in found.tried if one.not_applicable},
        "scenarios": [_scenario(one) for one in found.tried],
    }


def _scenario(one: Tried) -> dict[str, Any]:
    told: dict[str, Any] = {"name": one.name, "what": one.words, "result": result_words(one), "seconds": round(one.seconds, 1)}
    if one.not_applicable:
        return {**told, "why": one.not_applicable}
    return {**told, "checks": {finding.check: finding.held for finding in one.findings}, "failures": list(failures(one))}


def as_json(found: Certificate) -> str:
    """Return a certificate as JSON."""
    return json.dumps(as_dict(found), indent=1)


def result_words(one: Tried) -> str:
    """Return how a scenario came out, in a word or two."""
    if one.not_applicable:
        return "not tried"
    return "held" if one.held else "FAILED"


def as_table(found: Certificate) -> Table:
    """Return a certificate for a terminal: a line for each scenario, below it whatever did not hold."""
    table = Table("scenario", "result", "what was tried, and what did not hold", box=None, padding=(0, 1, 0, 0))
    table.columns[1].no_wrap = True
    table.columns[0].max_width = 24
    for one in found.tried:
        words = Text(one.not_applicable or one.words)
        for failure in failures(one):
            words.append(f"\n{failure}", style="red")
        table.add_row(one.name, Text(result_words(one), style="" if one.held else "red"), words)
    return table


def failures(one: Tried) -> Iterator[str]:
    """Give what did not hold in a scenario, each with the name of the check."""
    for finding in one.findings:
        if not finding.held:
            yield from (f"{finding.check}: {words}" for words in finding.words)


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; }}
th[scope=row] {{ font-weight: normal; width: 17rem; }} td.result {{ white-space: nowrap; width: 6rem; }}
.verdict {{ font-size: 1.2rem; }} .held {{ color: #15622b; }} .failed {{ color: #a11313; font-weight: 600; }} .not {{ color: #555; }}
code {{ overflow-wrap: anywhere; }}
@media print {{ body {{ margin: 0; font-size: 11px; }} tr {{ break-inside: avoid; }} }}
</style>
<h1>{title}</h1>
<p class="verdict {verdict_class}">{verdict}
<table>
{facts}
</table>
<p>The adapter's own code ran against a stand-in made from the region file; broker and registry were real, all families are invented.
{sections}
<h2>Scenarios</h2>
<table><thead><tr><th>scenario<th>result<th>what was tried<tbody>
{rows}
</table>
<h2>What is seen to after each</h2>
<table>
{checks}
</table>
</html>
"""


def as_html(found: Certificate) -> str:
    """Return a certificate as one page."""
    failed = [(one.name, words) for one in found.tried for words in failures(one)]
    facts = {
        "region file": f"{escape(found.file)}, SHA-256 <code>{escape(found.digest)}</code>",
        "source": f"{escape(found.source)}, of kind {escape(found.kind)}, mapping version {found.mapping_version}",
        "made": f"{found.made_at:%Y-%m-%d %H:%M} UTC by muara {escape(version('muara'))}, in {found.seconds:.0f} s",
        "memory": f"{found.peak_mb:.0f} MB at most",
    }
    sections = _section("What did not hold", failed)
    sections += _section("What was left out", ((name, "") for name in found.left_out))
    return _PAGE.format(
        title=f"Certificate of the adapter of {escape(found.region)}",
        verdict=escape(verdict(found)),
        verdict_class="held" if found.passed and found.complete else "failed",
        facts=_lines(facts.items()),
        sections=sections,
        rows="\n".join(_row(one) for one in found.tried),
        checks=_lines((escape(name), escape(meaning)) for name, meaning in meanings().items()),
    )


def _lines(told: Iterable[tuple[str, str]]) -> str:
    """Return rows of a table of names and what is said of them, both in HTML already."""
    return "\n".join(f"<tr><th scope=row>{name}<td>{words}" for name, words in told)


def _section(title: str, told: Iterable[tuple[str, str]]) -> str:
    rows = _lines((escape(name), escape(words)) for name, words in told)
    return f"<h2>{title}</h2>\n<table>\n{rows}\n</table>\n" if rows else ""


def _row(one: Tried) -> str:
    kind = "not" if one.not_applicable else "held" if one.held else "failed"
    words = escape(one.not_applicable or one.words)
    return f"<tr><th scope=row>{escape(one.name)}<td class='result {kind}'>{result_words(one)}<td>{words}"

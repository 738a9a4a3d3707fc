"""
The report of a certification: for a terminal, as JSON, and as one page of HTML that needs nothing else.

Why: an author sees what to mend, an operator keeps the proof, the office files it.
Must not: judge, or name anything of a real source.
"""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from rich.table import Table
from rich.text import Text

from deploy.certify.course import Certificate, Tried

__all__ = ["as_dict", "as_html", "as_json", "as_table", "result_words"]


def as_dict(found: Certificate) -> dict[str, Any]:
    """Return a certificate in JSON's own shapes."""
    return {
        "region": found.region,
        "source": found.source,
        "kind": found.kind,
        "mapping_version": found.mapping_version,
        "region_file_sha256": found.digest,
        "passed": found.passed,
        "scenarios": [_scenario(one) for one in found.tried],
        "peak_mb": round(found.peak_mb, 1),
        "seconds": round(found.seconds, 1),
    }


def _scenario(one: Tried) -> dict[str, Any]:
    told: dict[str, Any] = {"name": one.name, "what": one.words, "result": result_words(one), "seconds": round(one.seconds, 1)}
    if one.not_applicable:
        return {**told, "why": one.not_applicable}
    return {**told, "checks": {finding.check: finding.held for finding in one.findings}, "failures": list(_failures(one))}


def as_json(found: Certificate) -> str:
    """Return a certificate as JSON."""
    return json.dumps(as_dict(found), indent=1)


def result_words(one: Tried) -> str:
    """Return how a scenario came out, in a word or three."""
    if one.not_applicable:
        return "not applicable"
    return "held" if one.held else "FAILED"


def as_table(found: Certificate) -> Table:
    """Return a certificate for a terminal: a line for each scenario, below it whatever did not hold."""
    table = Table("scenario", "result", "what was tried, and what did not hold", "s", box=None, padding=(0, 1, 0, 0))
    for one in found.tried:
        words = Text(one.not_applicable or one.words)
        for failure in _failures(one):
            words.append(f"\n{failure}", style="red")
        table.add_row(one.name, Text(result_words(one), style="" if one.held else "red"), words, f"{one.seconds:.1f}")
    return table


def _failures(one: Tried) -> Iterator[str]:
    for finding in one.findings:
        if not finding.held:
            yield from (f"{finding.check}: {words}" for words in finding.words)


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ddd; }}
.held {{ color: #15622b; }} .failed {{ color: #a11313; font-weight: 600; }} .not {{ color: #666; }}
code {{ overflow-wrap: anywhere; }}
</style>
<h1>{title}</h1>
<p class="{verdict_class}">{verdict}</p>
<p>Source <code>{source}</code> of kind <code>{kind}</code>, mapping version {mapping_version}; region file with SHA-256
<code>{digest}</code>. {count} scenarios in {seconds:.0f} s; the adapter needed at most {peak_mb:.0f} MB.
All families are invented; broker and registry were real.</p>
<table><thead><tr><th>scenario<th>what was tried<th>result<th>checks<tbody>
{rows}
</table>
</html>
"""
_ROW = "<tr><td>{name}<td>{words}<td class='{kind}'>{result}<td>{checks}"


def as_html(found: Certificate) -> str:
    """Return a certificate as one page."""
    return _PAGE.format(
        title=f"Certificate of the adapter of {escape(found.region)}",
        verdict="Everything that was tried held." if found.passed else "Not passed: what is marked below did not hold.",
        verdict_class="held" if found.passed else "failed",
        source=escape(found.source),
        kind=escape(found.kind),
        mapping_version=found.mapping_version,
        digest=escape(found.digest),
        count=len(found.tried),
        seconds=found.seconds,
        peak_mb=found.peak_mb,
        rows="\n".join(_row(one) for one in found.tried),
    )


def _row(one: Tried) -> str:
    checks = "<br>".join(
        f"<span class='{'held' if finding.held else 'failed'}'>{escape(finding.check)}</span>"
        + "".join(f"<br>{escape(words)}" for words in finding.words)
        for finding in one.findings
    )
    kind = "not" if one.not_applicable else "held" if one.held else "failed"
    words = escape(one.not_applicable or one.words)
    return _ROW.format(name=escape(one.name), words=words, kind=kind, result=result_words(one), checks=checks)

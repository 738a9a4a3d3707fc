"""
`muara adapter certify`: an adapter's own code against everything that real sources do, and a certificate of what held.

Why: one command decides whether a region may send.
Must not: touch the services of this folder, a region's source, or an adapter's file.
"""

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.context import console_for, settings

__all__ = ["certify"]


def certify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE", help="The region file (TOML).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(dir_okay=False, metavar="PAGE", help="Write the certificate as a page, too.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="SCENARIO", help="Play only this scenario, after the first; may be repeated.")
    ] = None,
) -> None:
    """
    Try an adapter against all that sources do to it.

    Exit code 0 only if everything that was tried held. The adapter runs against a stand-in that speaks its source's protocol as the
    file declares it, with a broker and a registry of its own; no environment variable that the file names is needed. Takes some
    minutes.
    """
    from deploy.certify.course import Tried
    from deploy.certify.course import certify as play
    from deploy.certify.report import as_html, as_table, failures, result_words, verdict
    from deploy.certify.report import as_json as printed
    from deploy.embedded import Lines, progress_for

    settings()
    if html is not None and not html.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {html.parent} does not exist", param_hint="'--html'")
    plain = as_json or not sys.stderr.isatty()

    def tell(one: Tried) -> None:
        words = "".join(f"\n{'':10}{failure}" for failure in failures(one))
        print(f"{result_words(one):9} {one.name}{words}", file=sys.stderr, flush=True)

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    found = play(file, digest, Lines() if plain else progress_for(sys.stderr), tell, only=only or ())
    if html is not None:
        html.write_text(as_html(found), encoding="utf-8")
    if as_json:
        print(printed(found))
    else:
        console_for(sys.stdout).print(as_table(found))
        print(f"{found.region}: {verdict(found)}; {found.seconds:.0f} s, {found.peak_mb:.0f} MB at most")
    sys.exit(0 if found.passed else 1)

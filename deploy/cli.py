"""
The command `muara`: what can be done, and how errors are told.

Why: errors of use are one clear line and exit code 2; anything else ends with its cause in full.
Must not: import what a subcommand does not need.
"""

import sys

import typer
from typer._click.exceptions import ClickException

from deploy.commands import adapter, certify, demo, figures, receipts, reference, rejected, repair, services, work
from deploy.settings import listed
from schemas.errors import MuaraError, Retriable

__all__ = ["app", "main"]

EXIT_USE, EXIT_INTERRUPTED = 2, 130
_EPILOG = f"""\b
To see it all: muara demo. To run it: muara up and, in other terminals of the
same folder, regions load, lines load, sources load, worker, publish, adapter
run. Each command has its own --help.

\b
Settings, from the environment; without the first three, the services of
muara up are used:
{listed()}
"""

app = typer.Typer(
    name="muara",
    help="Household changes from regional systems in, exact live poverty indicators out.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo.demo)
app.command()(services.up)
app.command()(work.worker)
app.command()(work.publish)
app.command()(services.status)
app.command()(figures.indicators)
app.command()(figures.verify)
app.command()(repair.rebuild)
adapter.app.command()(certify.certify)
app.add_typer(adapter.app, name="adapter")
app.add_typer(receipts.app, name="receipt")
app.add_typer(reference.lines, name="lines")
app.add_typer(reference.regions, name="regions")
app.add_typer(reference.sources, name="sources")
app.add_typer(rejected.rejected, name="rejected")
app.add_typer(repair.offsets, name="offsets")
app.add_typer(repair.schema, name="schema")


def main() -> None:
    """Run the command line; the entry point of `muara`."""
    try:
        sys.exit(app(standalone_mode=False))  # a command has no result; where it was interrupted, typer gives the exit code
    except ClickException as error:
        _told(_plainly(error.format_message()))
    except Retriable as error:
        _told(f"{error}; this command has ended: run it again when that is mended")
    except MuaraError as error:
        _told(str(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_INTERRUPTED)


def _plainly(message: str) -> str:
    """Return what the parser says in one line, without the names of its own classes."""
    return " ".join(message.replace("Value error, ", "").split())


def _told(message: str) -> None:
    print(f"muara: {message}", file=sys.stderr)
    sys.exit(EXIT_USE)


if __name__ == "__main__":
    main()

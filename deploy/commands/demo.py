"""
`muara demo`: everything on one machine, for real, and in the end the proof.

Why: the first thing that a newcomer runs, and the last thing that a release must pass.
Must not: do anything that the other commands do not do: it only starts them.
"""

import shutil
import sys
import time
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from deploy.commands.context import console_for, settings

__all__ = ["demo"]

_FIGURES = ("ID", "31", "31.71", "31.72", "31.73", "31.74", "31.75", "31.01", "51", "51.01")


def demo(
    once: Annotated[bool, typer.Option("--once", help="Load, stream, drain, verify, compare, and end; exit code 0 only if exact.")] = False,
    headless: Annotated[bool, typer.Option("--headless", help="Tell progress in plain lines instead of bars.")] = False,
    households: Annotated[int, typer.Option(min=1, metavar="N", help="Households in DKI Jakarta; a quarter as many in Jembrana.")] = 20_000,
    changes: Annotated[int, typer.Option(min=0, metavar="N", help="With --once: changes to stream.")] = 20_000,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed is another population and another life.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=7, metavar="N", help="Worker processes; the topics have 7 partitions to share.")] = 1,
    chaos: Annotated[bool, typer.Option("--chaos", help="With --once: kill workers and publishers at random meanwhile.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print the outcome as one JSON object.")] = False,
    rate: Annotated[int, typer.Option(min=1, metavar="N", help="Without --once: changes per second.")] = 50,
) -> None:
    """
    Show the whole platform on this machine, with live figures.

    Kafka, registry and PostgreSQL are real, the two regional systems simulated. Every start begins anew, in .muara/demo.
    """
    from deploy.demo.run import as_json as printed
    from deploy.demo.run import rehearse
    from deploy.demo.stage import Play, Stage
    from deploy.embedded import Lines, progress_for

    told = settings()
    play = Play(households, max(1, households // 4), seed, workers)
    plain = headless or not sys.stderr.isatty()
    with Stage(told, play, Lines() if plain else progress_for(sys.stderr)) as stage, _Phases(plain) as phases:
        if not once:
            _live(stage, rate, phases)
            return
        outcome = rehearse(stage, changes, chaos, phases.say)
        phases.end()
        if as_json:
            print(printed(outcome))
        else:
            _print_figures(stage)
            _print_outcome(outcome, stage)
        code = 0 if outcome.exact else 1
    sys.exit(code)


class _Phases:
    """Progress of the phases: bars on a terminal, plain lines elsewhere."""

    def __init__(self, plain: bool) -> None:
        self._plain = plain
        self._bar = Progress(
            TextColumn("{task.description:8}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[words]}"),
            console=console_for(sys.stderr),
        )
        self._tasks: dict[str, Any] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> "_Phases":  # noqa: PYI034
        if not self._plain:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Take the bars down."""
        if not self._plain:
            self._bar.stop()

    def say(self, phase: str, share: float, words: str) -> None:
        """Show how far a phase is."""
        if not self._plain:
            if phase not in self._tasks:
                self._tasks[phase] = self._bar.add_task(phase, total=1.0, words=words)
            self._bar.update(self._tasks[phase], completed=share, words=words)
        elif time.monotonic() - self._said.get(phase, 0.0) > 2.0 or share in (0.0, 1.0):
            self._said[phase] = time.monotonic()
            print(f"{phase}: {words}", file=sys.stderr, flush=True)


def _figures(stage: Any) -> list[Any]:  # noqa: ANN401 - a Stage, imported when called
    """Return the newest figures of the regions shown, urban and rural together."""
    import psycopg

    from processors.store.figures import figures

    with psycopg.connect(stage.addresses.database, autocommit=True) as connection:
        row = connection.execute("select to_char(max(month), 'YYYY-MM') from cell where level = 'nation'").fetchone()
        month = row[0] if row and row[0] else None
        return [one for code in _FIGURES for one in figures(connection, region=code, urbanisation="all", month=month)] if month else []


def _table(rows: list[Any]) -> Table:
    """Return figures of one month; where the terminal is narrow, names are cut and numbers are not."""
    table = Table("region", "name", box=None, title=f"{rows[0].month:%Y-%m}, urban and rural together" if rows else None)
    for name in ("households", "people", "poor", "P0 %", "P1 x100", "P2 x100", "extreme %"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in rows:
        sums, ratios = one.measures, one.indicators
        shown = [f"{100 * ratios[name]:.3f}" if ratios[name] is not None else "-" for name in ("p0", "p1", "p2", "extreme_p0")]
        counts = [f"{sums[name]:,}" for name in ("households", "people", "poor_people")]
        table.add_row(one.region, Text(one.region_name, no_wrap=True, overflow="ellipsis"), *counts, *shown)
    return table


def _print_figures(stage: Any) -> None:  # noqa: ANN401
    console_for(sys.stdout).print(_table(_figures(stage)))


def _print_outcome(outcome: Any, stage: Any) -> None:  # noqa: ANN401
    found = outcome.as_dict()
    aside = f"{found['rejected']} rejected, {found['quarantined']} in quarantine, {found['kills']} kills"
    print(f"\n{found['merged']:,} events merged, {aside}")
    recomputed = f"{found['cells_verified']:,} cells recomputed from {found['statements']:,} statements"
    print(f"verify:  {recomputed}, {found['verify_differences']} differ")
    print(f"truth:   {found['numbers_compared_with_truth']:,} numbers compared with the sources' own, {found['truth_differences']} differ")
    for difference in outcome.comparison.differences[:20]:
        print("  differs: {} {} {} {}: published {}, true {}".format(*difference))
    print("seconds: " + ", ".join(f"{phase} {passed:.1f}" for phase, passed in outcome.seconds.items()))
    print("EXACT" if outcome.exact else f"NOT EXACT; the logs are in {stage.logs}")


def _elsewhere() -> str:
    """Return commands that find the demo's services by themselves, as they can be typed where `muara` is not on the path."""
    program = "muara" if shutil.which("muara") else sys.argv[0]
    return ", ".join(f"{program} {arguments}" for arguments in ("indicators --region ID", "status", "verify"))


def _live(stage: Any, rate: int, phases: _Phases) -> None:  # noqa: ANN401
    """Load, then let life go on, and show the figures until Ctrl-C."""
    import psycopg

    from deploy.demo.run import begin, look
    from processors.broker import Broker

    broker = Broker(stage.addresses.kafka)
    database = f", psql '{stage.own_database}'" if stage.own_database else ""
    with psycopg.connect(stage.addresses.database, autocommit=True) as connection:
        begin(stage, connection, broker, phases.say)
        phases.end()
        stage.ask_world("POST", "live", rate=rate)
        before, at = look(stage, connection, broker).merged, time.monotonic()
        phases.say("live", 1.0, f"to look closer, in a second terminal in this folder: {_elsewhere()}; Ctrl-C ends")
        with Live(console=console_for(sys.stdout), screen=sys.stdout.isatty(), auto_refresh=False) as live:
            while True:
                time.sleep(1.0)
                seen, now = look(stage, connection, broker), time.monotonic()
                table = _table(_figures(stage))
                table.caption = (
                    f"{(seen.merged - before) / (now - at):,.0f} changes/s, {seen.behind:,} behind, {seen.database.rejected} rejected, "
                    f"{seen.halted} halted\nin a second terminal in this folder: {_elsewhere()}{database}; Ctrl-C ends"
                )
                before, at = seen.merged, now
                live.update(table, refresh=True)

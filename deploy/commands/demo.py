"""
`muara demo`: everything on one machine, for real, and in the end the proof.

Why: the first thing that a newcomer runs, and the last thing that a release must pass.
Must not: do anything that the other commands do not do: it only starts them.
"""

import sys
import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.commands.context import console_for, settings

__all__ = ["demo"]


def demo(
    once: Annotated[bool, typer.Option("--once", help="Load, stream, drain, verify, compare, and end; exit code 0 only if exact.")] = False,
    headless: Annotated[bool, typer.Option("--headless", help="Tell progress in plain lines instead of bars.")] = False,
    households: Annotated[
        int, typer.Option(min=1, metavar="N", help="Households in DKI Jakarta; a quarter as many in each other region.")
    ] = 20_000,
    changes: Annotated[int, typer.Option(min=0, metavar="N", help="With --once: changes to stream.")] = 20_000,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed is another population and another life.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=9, metavar="N", help="Worker processes; the topics have 9 partitions to share.")] = 1,
    chaos: Annotated[bool, typer.Option("--chaos", help="With --once: kill workers, publishers and adapters at random meanwhile.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print the outcome as one JSON object.")] = False,
    rate: Annotated[int, typer.Option(min=1, metavar="N", help="Without --once: changes per second.")] = 50,
) -> None:
    """
    Show the whole platform on this machine, with live figures.

    Kafka, registry and PostgreSQL are real, the regional systems of the four pilots simulated. Every start begins anew, in .muara/demo.
    """
    from deploy.demo.live import live
    from deploy.demo.run import as_json as printed
    from deploy.demo.run import rehearse
    from deploy.demo.stage import Play, Stage
    from deploy.embedded import Lines, progress_for

    told = settings()
    play = Play(households, max(1, households // 4), seed, workers)
    plain = headless or not sys.stderr.isatty()
    with Stage(told, play, Lines() if plain else progress_for(sys.stderr)) as stage, _Phases(plain) as phases:
        if not once:
            live(stage, rate, phases.say, phases.end)
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


def _print_figures(stage: Any) -> None:  # noqa: ANN401
    import psycopg

    from deploy.demo.live import board, newest_figures

    with psycopg.connect(stage.addresses.database, autocommit=True) as connection:
        console_for(sys.stdout).print(board(newest_figures(connection)))


def _print_outcome(outcome: Any, stage: Any) -> None:  # noqa: ANN401
    found = outcome.as_dict()
    aside = f"{found['rejected']} rejected, {found['quarantined']} in quarantine, {found['kills']} kills"
    print(f"\n{found['merged']:,} events merged, {aside}")
    recomputed = f"{found['cells_verified']:,} cells recomputed from {found['statements']:,} statements"
    print(f"verify:  {recomputed}, {found['verify_differences']} differ")
    print(f"truth:   {found['numbers_compared_with_truth']:,} numbers compared with the sources' own, {found['truth_differences']} differ")
    for difference in outcome.comparison.differences[:20]:
        print("  differs: {} {} {} {}: published {}, true {}".format(*difference))
    each = ", ".join(f"{section} {count:,}" for section, count in found["section_numbers"].items())
    print(
        f"sections: {found['section_numbers_compared']:,} numbers of {found['statements_compared']:,} statements compared with what the "
        f"systems said, {found['section_differences']} statements' sections differ ({each})"
    )
    for difference in outcome.sections.differences[:20]:
        print("  differs: {} {} {} {}: {}".format(*difference))
    for one in outcome.receipts:
        print(f"receipt: {one}")
    print("seconds: " + ", ".join(f"{phase} {passed:.1f}" for phase, passed in outcome.seconds.items()))
    print("EXACT" if outcome.exact else f"NOT EXACT; the logs are in {stage.logs}")

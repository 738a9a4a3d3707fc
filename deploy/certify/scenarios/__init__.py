"""
The scenarios: what real sources and real days do to an adapter, one function each, and the order in which they are played.

Why: each says in its docstring what is tried; together they are what a certificate vouches for.
Must not: judge what came of it, but where an adapter must show a state or put something aside: that is part of what is tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy.certify.checks import Scope
from deploy.certify.oddities import Oddity
from deploy.certify.process import STEPS
from deploy.certify.scenarios import changes, clocks, lies, outages
from deploy.certify.scene import Scene
from deploy.certify.stand_ins import Lie

__all__ = ["Scenario", "scenarios"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is tried: its name, what happens in it, and what an adapter may do more often than once for it."""

    name: str
    play: Callable[[Scene], None]
    scope: Scope = field(default_factory=Scope)

    @property
    def words(self) -> str:
        """What is tried, in one sentence."""
        return (self.play.__doc__ or "").strip().split("\n")[0]


def scenarios(told: Sequence[Lie], steps: Sequence[str] = ()) -> list[Scenario]:
    """
    Return all scenarios in the order in which they are played.

    `told` are the lies that the source can be made to tell, `steps` those of its kind alone at which an adapter may die.
    """
    again = Scope(repeats=40)
    # They are told of when a thousand records were looked at.
    in_many = (Oddity.NEW_FIELD, Oddity.LEFT_OUT)
    # What a clock that ran ahead has dated is read again at every start, until that time has come.
    after_clocks = Scope(repeats=8)
    # To a clock that is behind, all that was told since is of a time to come, and is asked for again.
    behind = Scope(repeats=5_000)
    anew = Scope(repeats_all=True, disorder=True)
    return [
        Scenario("insert", changes.insert),
        Scenario("update", changes.update),
        Scenario("delete", changes.delete),
        Scenario("a family comes back", changes.comes_back, again),
        Scenario("key move", changes.key_move, again),
        Scenario("partial update", changes.partial_update),
        Scenario("correction of the past", changes.correction_of_the_past, again),
        Scenario("retraction", changes.retraction),
        Scenario("duplicate", changes.duplicate, Scope(repeats=1)),
        Scenario("disorder", changes.disorder, Scope(repeats=40, disorder=True)),
        *(Scenario(f"killed: {step}", outages.killed_at(step), Scope(dies=outages.DEATHS)) for step in (*STEPS, *steps)),
        Scenario("source down", outages.source_down),
        Scenario("broker down", outages.broker_down, again),
        Scenario("registry down", outages.registry_down),
        Scenario("slow broker", outages.slow_broker, again),
        Scenario("full spool", outages.full_spool, again),
        Scenario("a wrong key", outages.wrong_key),
        Scenario("source's clock ahead", clocks.clock_ahead),
        Scenario("source's clock set back", clocks.clock_set_back, again),
        Scenario("own clock ahead", clocks.own_clock(clocks.HOUR), again),
        Scenario("own clock behind", clocks.own_clock(-clocks.HOUR), behind),
        Scenario("late commit", clocks.late_commit, again),
        *(Scenario(str(oddity), lies.odd(oddity), after_clocks) for oddity in Oddity if oddity not in in_many),
        Scenario("no record at all", lies.garbage, after_clocks),
        *(Scenario(str(one), lies.lie(one), again) for one in told),
        Scenario("many families", changes.many, after_clocks),
        *(Scenario(str(oddity), lies.odd(oddity), after_clocks) for oddity in in_many),
        Scenario("disk lost, replay from zero", outages.replay_from_zero, anew),
        Scenario("registry down at a first start", outages.registry_down_at_first, anew),
    ]

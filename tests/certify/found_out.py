"""
Where each way to be broken is found out: the scenario, the check, and the region file (of the kind where it was once missed).

Why: who plays a broken adapter and who plays the sound one must mean the same scenarios, or the breaking proves nothing.
Must not: name a scenario in which a sound adapter of that file is not tried.
"""

from pathlib import Path
from typing import NamedTuple

from tests.producers.samples import CARIK, KAMPUNG, REGIONS, SDDD

__all__ = ["BROKEN", "MISSED", "Broken", "scenarios_of"]

_HAPPENED = "it happened as it must"
_REPLAY = "disk lost, replay from zero"
_DESA, _SIMPATI = REGIONS / "sumedang-desa.toml", REGIONS / "sumedang-simpati.toml"


class Broken(NamedTuple):
    """A way to be broken, and where it is found out."""

    way: str
    scenario: str
    check: str
    region_file: Path = CARIK


BROKEN = (
    Broken("loses", "insert", "nothing lost"),
    Broken("loses_when_killed", "killed: committed, nothing sent", "nothing lost"),
    Broken("doubles", "insert", "nothing doubled"),
    Broken("invents", "insert", "nothing lost"),
    Broken("turns_round", "update", "order kept"),
    Broken("counts_itself", _REPLAY, "revisions come from the source"),
    Broken("one_revision", "update", "revisions grow"),
    Broken("leaks", "insert", "nothing leaks"),
    Broken("logs_records", "insert", "nothing leaks"),
    Broken("hoards", "insert", "memory bounded"),
    Broken("silent", "source down", _HAPPENED),
    Broken("gives_up", "source down", _HAPPENED),
    Broken("drops_silently", "a missing field", _HAPPENED),
    Broken("grows", "full spool", _HAPPENED),
    Broken("ignores_ends", "delete", "nothing doubled"),
    Broken("asks_its_own_clock", "own clock behind", "order kept"),
    Broken("any_key", "a wrong key", _HAPPENED),
    Broken("notes_nothing", "insert", "receipts hold"),
    Broken("counts_in_its_folder", _REPLAY, "nothing lost", KAMPUNG),
    Broken("says_no_lists", "insert", "nothing lost", KAMPUNG),
    Broken("says_it_once", "update", "nothing lost", _SIMPATI),
    Broken("mixes_up", "insert", "nothing lost", SDDD),
    Broken("answers_early", "killed: read, nothing kept", "nothing lost", _DESA),
    Broken("answers_early", "killed: answered", "nothing lost", _SIMPATI),
    Broken("moves_the_slot_early", "killed: slot moved", _HAPPENED, KAMPUNG),
    Broken("sends_all_again", "killed: delivered and forgotten", "nothing doubled", KAMPUNG),
    Broken("sends_all_again", "killed: delivered and forgotten", "nothing doubled", _DESA),
    Broken("sends_all_again", "killed: delivered and forgotten", "nothing doubled", SDDD),
    Broken("believes", "a refusal of our credentials", _HAPPENED),
)
"""Each way of `broken.py`."""
MISSED = (
    Broken("publishes_numbers", "insert", "nothing leaks"),
    Broken("takes_any_name", "a name where a programme belongs", "nothing leaks"),
    Broken("blames_the_card", "a missing village", _HAPPENED),
    Broken("tells_no_drift", "a field left out that may be", _HAPPENED),
    Broken("guesses_days", "a date in another format", _HAPPENED),
    Broken("takes_text_for_nothing", "a text where a list belongs", _HAPPENED),
    Broken("believes_the_newest", "source's clock set back", "nothing lost", SDDD),
    Broken("stops_with_the_broker", "slow broker", _HAPPENED),
    Broken("needs_the_registry", "registry down at a first start", _HAPPENED),
    Broken("one_topic", "key move", "nothing lost"),
)
"""Each way of `missed.py`, which a certification once let pass."""


def scenarios_of(region_file: Path) -> set[str]:
    """Return the scenarios in which a broken adapter of a region file is found out; a sound one must hold in each of them."""
    return {one.scenario for one in (*BROKEN, *MISSED) if one.region_file == region_file}

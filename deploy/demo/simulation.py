"""
The simulated world: one true state of every household, from which two regional systems report.

Why: households move between the systems, so neither can own the truth. The world does; and because whatever is held back or wrong is said
rightly in the end (`flush`), its own facts are what every figure must come out from.
Must not: import producers or processors: what is compared with them must share nothing with them.

How the truth reads: the unit of time is the month, and a household counts as it stands at the month's end. A section that nobody ever
told is unknown. Where a household arrives at a register that asks less, the word of the one before goes on. What the registers do so
that this is unambiguous is written in residence.py, carik_register.py and sddd.py.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from random import Random

from deploy.demo.carik_register import CarikRegister
from deploy.demo.clock import Clock
from deploy.demo.days import moment_text, month_of, month_text
from deploy.demo.household import spans
from deploy.demo.life import Life
from deploy.demo.people import People
from deploy.demo.places import DKI, JEMBRANA, places
from deploy.demo.population import BASELINE, Slots, populate
from deploy.demo.residence import Residences
from deploy.demo.sddd import Villages
from deploy.demo.truth import TruthRow

__all__ = ["END_OF_LIFE", "LIFE_BEGINS", "Standing", "World"]

LIFE_BEGINS = date(2024, 4, 1)
"""Until then everybody stands as in March 2024, the month of the official figures."""
END_OF_LIFE = date(2026, 10, 31)
_LEAST_PACE = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a world has come: counts, the simulated day, and the newest cursor of Carik."""

    changes: int
    households: int
    jembrana_households: int
    carik_changes: int
    files: int
    file_rows: int
    held_back: int
    today: str
    newest_cursor: str | None

    def as_record(self) -> dict[str, int | str | None]:
        """Return it as JSON says it."""
        return asdict(self)


class World:
    """Two provinces' worth of households and the two systems that report them; everything follows from the arguments."""

    def __init__(
        self,
        inbox: Path,
        *,
        seed: int = 1,
        households: int = 20_000,
        jembrana_households: int = 5_000,
        today: date = END_OF_LIFE,
        pace: int | None = None,
    ) -> None:
        """
        Make the population, and report how it stands in March 2024: Carik by its API, Jembrana by files in `inbox`.

        Life then leads from April 2024 towards `today` in about `pace` changes (if not told: four for every five households).
        """
        self.changes = 0
        self.people = People()
        slots = Slots()
        self._households = populate(seed, households, jembrana_households, self.people, slots)
        self._clock = Clock(LIFE_BEGINS, today, pace or max(_LEAST_PACE, (households + jembrana_households) * 4 // 5))
        self.carik = CarikRegister(self._clock, _chance(seed, "carik"))
        self._villages = Villages(inbox, self.people, self._clock, _chance(seed, "jembrana"))
        where = {region: _lots(region, seed) for region in (DKI, JEMBRANA)}
        self._residences = Residences(slots, self.carik, self._villages, self._clock, _chance(seed, "moves"), where)
        for one in self._households:
            self._residences.begin(one)
        self._life = Life(self._households, self.people, slots, self.carik, self._residences, self._clock, _chance(seed, "life"))
        self.carik.baseline(self._households[:households])
        self._villages.begin(month_of(BASELINE))

    def advance(self, changes: int) -> None:
        """Let changes happen, one after the other, and the systems report what they would have reported meanwhile."""
        for _ in range(changes):
            month = self._clock.month
            self._clock.tick()
            for ended in range(month, self._clock.month):
                self._villages.close_month(ended)
            self.carik.release()
            self._villages.release()
            if not self._life.happen():
                self.carik.repeat()
            self.changes += 1

    def flush(self) -> None:
        """Report everything that is still held back; from then on, until life goes on, what was said amounts to the truth."""
        self.carik.flush()
        self._villages.flush()

    def truth(self) -> Iterator[TruthRow]:
        """Yield how each household stood at the end of each month; from the household's facts, never from what was reported."""
        for one in self._households:
            for span in spans(one.facts):
                basis = None if span.expenditure is None else "MODELLED" if span.modelled else "OBSERVED"
                until = None if span.until is None else month_text(span.until)
                yield TruthRow(one.card, month_text(span.first), until, span.village, span.size, span.expenditure, basis)

    def standing(self) -> Standing:
        """Return how far the world has come."""
        pools, newest = self._residences.pools, self.carik.newest
        return Standing(
            changes=self.changes,
            households=len(pools[DKI]),
            jembrana_households=len(pools[JEMBRANA]),
            carik_changes=len(self.carik),
            files=self._villages.files,
            file_rows=self._villages.rows,
            held_back=self.carik.held + self._villages.held,
            today=self._clock.today.isoformat(),
            newest_cursor=None if newest is None else moment_text(newest),
        )


def _chance(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311 - a simulation, repeatable by its seed


def _lots(region: str, seed: int) -> tuple[list[str], list[float]]:
    """Return a region's villages and the growing sums of their weights."""
    found = places(region, seed)
    return [place.code for place in found], list(accumulate(place.weight for place in found))

"""
The simulated world: one true state of every household, from which four regional systems report.

Why: households move between the systems, so none of them can own the truth. The world does; and because whatever is held back or wrong is
said rightly in the end (`flush`), its own facts are what every figure must come out from.
Must not: import producers or processors: what is compared with them must share nothing with them.

How the truth reads: the unit of time is the month, and a household counts as it stands at the month's end. A section that nobody ever
told is unknown. Where a household arrives at a register that asks less, the word of the one before goes on. What the registers do so
that this is unambiguous is written in residence.py, register.py, kampung.py and sddd.py.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from deploy.demo.carik_records import sections_of as said_by_carik
from deploy.demo.carik_register import CarikRegister
from deploy.demo.clock import Clock
from deploy.demo.days import moment_text, month_text
from deploy.demo.desa import DesaRegister
from deploy.demo.desa import sections_of as said_by_desa
from deploy.demo.household import spans
from deploy.demo.jembrana import Jembrana
from deploy.demo.kampung import KampungRegister
from deploy.demo.kampung_said import standing as said_by_kampung
from deploy.demo.life import Life
from deploy.demo.people import People
from deploy.demo.places import BANYUWANGI, DKI, JEMBRANA, REGIONS, SUMEDANG, places
from deploy.demo.population import Slots, populate
from deploy.demo.residence import Residences
from deploy.demo.said import SaidRow, grouped
from deploy.demo.sddd import Villages
from deploy.demo.simpati import Simpati
from deploy.demo.simpati import sections_of as said_by_simpati
from deploy.demo.system import System
from deploy.demo.truth import TruthRow

__all__ = ["END_OF_LIFE", "LIFE_BEGINS", "Standing", "World"]

LIFE_BEGINS = date(2024, 4, 1)
"""Until then everybody stands as in March 2024, the month of the official figures."""
END_OF_LIFE = date(2026, 10, 31)
_LEAST_PACE = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a world has come: counts (households by region), the simulated day, and the newest cursor of Carik."""

    changes: int
    households: dict[str, int]
    carik_changes: int
    desa_notices: int
    simpati_notices: int
    files: int
    file_rows: int
    held_back: int
    today: str
    newest_cursor: str | None

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON says it."""
        return asdict(self)


class World:
    """Households of four regions and the four systems that report them; everything follows from the arguments."""

    def __init__(
        self,
        inbox: Path,
        *,
        seed: int = 1,
        households: int = 20_000,
        elsewhere: int = 5_000,
        today: date = END_OF_LIFE,
        pace: int | None = None,
    ) -> None:
        """
        Make the population, `households` in DKI Jakarta and `elsewhere` in each other region, and report how it stands in March 2024.

        Life then leads from April 2024 towards `today` in about `pace` changes (if not told: four for every five households).
        """
        self.changes = 0
        self.people = People()
        slots = Slots()
        counts = {region: households if region == DKI else elsewhere for region in REGIONS}
        population = populate(seed, counts, self.people, slots)
        self._households = [one for region in REGIONS for one in population[region]]
        self._clock = Clock(LIFE_BEGINS, today, pace or max(_LEAST_PACE, len(self._households) * 4 // 5))
        where = {region: _lots(region, seed) for region in REGIONS}
        self.carik = CarikRegister(self._clock, _chance(seed, "carik"))
        self.desa = DesaRegister(self._clock, _chance(seed, "desa"))
        self.kampung = KampungRegister(self._clock, _chance(seed, "kampung"), where[BANYUWANGI][0])
        self._villages = Villages(inbox, self.people, self._clock, _chance(seed, "jembrana"))
        jembrana = Jembrana(self._villages, self._clock, _chance(seed, "listing"))
        self._systems: dict[str, System] = {DKI: self.carik, SUMEDANG: self.desa, BANYUWANGI: self.kampung, JEMBRANA: jembrana}
        self._residences = Residences(slots, self._systems, self._clock, _chance(seed, "moves"), where)
        self._residences.begin(self._households)
        registers = self.carik, self.desa, self.kampung
        self._life = Life(self._households, self.people, slots, registers, self._residences, self._clock, _chance(seed, "life"))
        for region, system in self._systems.items():
            system.begin(population[region])
        self.simpati = Simpati(self.people, self._clock, _chance(seed, "simpati"))
        self.simpati.begin(population[SUMEDANG])

    def advance(self, changes: int) -> None:
        """Let changes happen, one after the other, and the systems report what they would have reported meanwhile."""
        for _ in range(changes):
            month = self._clock.month
            self._clock.tick()
            for ended in range(month, self._clock.month):
                for system in self._systems.values():
                    system.close_month(ended)
                self.simpati.close_month(self._residences.pools[SUMEDANG].members, ended)
            for system in self._systems.values():
                system.release()
            self.simpati.release()
            if not self._life.happen():
                self.carik.repeat()
            self.changes += 1

    def flush(self) -> None:
        """Report everything that is still held back; from then on, until life goes on, what was said amounts to the truth."""
        for system in self._systems.values():
            system.flush()
        self.simpati.flush()

    def truth(self) -> Iterator[TruthRow]:
        """Yield how each household stood at the end of each month; from the household's facts, never from what was reported."""
        for one in self._households:
            for span in spans(one.facts):
                basis = None if span.expenditure is None else "MODELLED" if span.modelled else "OBSERVED"
                until = None if span.until is None else month_text(span.until)
                yield TruthRow(one.card, month_text(span.first), until, span.village, span.size, span.expenditure, basis)

    def said(self) -> Iterator[SaidRow]:
        """Yield what the systems have said and stand by, each by its own source's name; after `flush` it is how things are."""
        people = self.people
        yield from grouped("carik", self.carik.words.standing(lambda told: said_by_carik(told, people)))
        yield from grouped("desa", self.desa.words.standing(lambda told: said_by_desa(told, people)))
        yield from grouped("simpati", self.simpati.words.standing(lambda told: said_by_simpati(told, people)))
        yield from grouped("smartkampung", said_by_kampung(self.kampung.done, people))
        yield from grouped("sddd", self._villages.standing())

    def standing(self) -> Standing:
        """Return how far the world has come."""
        pools, newest = self._residences.pools, self.carik.newest
        return Standing(
            changes=self.changes,
            households={region: len(pool) for region, pool in pools.items()},
            carik_changes=len(self.carik),
            desa_notices=len(self.desa),
            simpati_notices=len(self.simpati),
            files=self._villages.files,
            file_rows=self._villages.rows,
            held_back=sum(system.held for system in self._systems.values()) + self.simpati.held,
            today=self._clock.today.isoformat(),
            newest_cursor=None if newest is None else moment_text(newest),
        )


def _chance(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311 - a simulation, repeatable by its seed


def _lots(region: str, seed: int) -> tuple[list[str], list[float]]:
    """Return a region's villages and the growing sums of their weights."""
    found = places(region, seed)
    return [place.code for place in found], list(accumulate(place.weight for place in found))

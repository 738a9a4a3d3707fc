"""
The scene of a certification: services, stand-in, adapter, the truth; and the words in which scenarios speak.

Why: a scenario reads as what happens, a line each; everything that it takes stands here.
Must not: judge (checks.py does).
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from deploy.certify.adapter import Adapter, until
from deploy.certify.checks import CHECKS, Evidence, Failure, Scope
from deploy.certify.expected import Expectations
from deploy.certify.office import Record, records
from deploy.certify.stand_ins import StandIn
from deploy.certify.told import BEGIN, Fact, Says, Told, card, month_after
from deploy.embedded import EmbeddedServices
from deploy.topics import make_topics
from producers.declaration import Declaration
from producers.pseudonym import Pseudonyms

__all__ = ["HAPPENED", "Finding", "Scene", "new_pseudonyms"]

HAPPENED = "it happened as it must"
"""The finding that is no check: what the scenario is about took place."""
_MOST_WORDS = 5
_EVER = datetime(2020, 1, 1, tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the stand-in's clock


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one thing held in one scenario; where it did not, in words."""

    check: str
    held: bool
    words: Sequence[str] = ()


@dataclass
class Scene:
    """Everything that a scenario works with; it goes on from what the scenarios before it have left."""

    declared: Declaration
    region_file: Path
    services: EmbeddedServices
    source: StandIn
    adapter: Adapter
    pseudonyms: Pseudonyms
    secrets: Collection[str]
    """What the adapter was given that nobody else may know."""
    month: date = BEGIN
    scope: Scope = field(default_factory=Scope)
    odd: int = 0
    """Records told so far that cannot become events."""
    _sequence: int = 0
    _serial: int = 0
    _moments: dict[int, datetime] = field(default_factory=dict)
    _sent: list[Record] = field(default_factory=list)
    _starts: int = 0
    _failed: dict[str, set[int]] = field(default_factory=dict)
    """The families of which each check has failed before."""

    def __post_init__(self) -> None:
        """Know what to expect of a region file so mapped."""
        self._expectations = Expectations(self.declared, self.pseudonyms)

    # ---- what is told ----------------------------------------------------------------------------------------------------

    @property
    def village(self) -> str:
        """The first village of the first regency."""
        return self.source.villages[self.declared.regencies[0]][0]

    @property
    def other_village(self) -> str:
        """Another village of the first regency; the same one where the mapping knows no other."""
        return self.source.villages[self.declared.regencies[0]][-1]

    def next_month(self) -> None:
        """Let a month pass."""
        self.month = month_after(self.month)

    def is_now(self, serial: int, **changed: object) -> Told:
        """Return the change that tells how a family is from this month on: as it was, but for what is given."""
        known = self.source.truth.at(serial, self.month) or Fact(self.village, 1 + serial % 5, 1_000_000 + 250_000 * (serial % 7))
        return self.told(serial, fact=replace(known, **changed))  # type: ignore[arg-type]  # fields of a fact

    def told(self, serial: int, says: Says = Says.IS, fact: Fact | None = None, since: date | None = None) -> Told:
        """Return a change with the source's next sequence number."""
        self._sequence += 1
        self._moments[serial] = max(_now(), self._moments.get(serial, _EVER) + self.source.writer.resolution)
        known = fact or self.source.truth.at(serial, since or self.month) or Fact(self.village, 1, None)
        return Told(serial, since or self.month, self._sequence, self._moments[serial], says, known)

    def new(self, count: int = 1, **facts: object) -> list[Told]:
        """Return the changes that tell of so many families that nobody has heard of."""
        first = self._serial
        self._serial += count
        return [self.is_now(serial, **facts) for serial in range(first, first + count)]

    def tell(self, *changes: Told, disorder: bool = False, skew: timedelta | None = None) -> None:
        """Let the source tell changes; with `skew` by a clock that is wrong by so much."""
        if skew is not None:
            changes = tuple(replace(one, moment=one.moment + skew) for one in changes)
            self._moments |= {one.serial: one.moment for one in changes}
        self.source.tell(changes, disorder=disorder, skew=skew or timedelta())

    @contextmanager
    def told_late(self, *changes: Told, by: timedelta) -> Iterator[None]:
        """Let the source tell changes at the end of the block that are dated before it, by so much at least."""
        late = [replace(one, moment=one.moment - by) for one in changes]
        self._moments |= {one.serial: one.moment for one in late}
        with self.source.telling_late(late, by):
            yield

    def families(self) -> list[int]:
        """Return the serials of all families that live in the first village this month, at least the first dozen."""
        return sorted(self.source.truth.living(self.month, self.village))

    # ---- what is waited for ------------------------------------------------------------------------------------------------

    def until(self, true: Callable[[], bool], what: str, patience_s: float | None = None) -> None:
        """Wait until something is so; raises `DidNotHappen`."""
        until(true, what, patience_s or self.adapter.patience_s)

    def state_is(self, begins: str) -> None:
        """Wait until the adapter's state begins so, which an operator would see; raises `DidNotHappen`."""
        self.until(lambda: (found := self.adapter.status) is not None and found.state.startswith(begins), f"the state `{begins}` is shown")

    @property
    def quarantined(self) -> int:
        """How many records and files the adapter has put aside."""
        found = self.adapter.status
        return found.quarantined if found else 0

    @contextmanager
    def down(self, server: str) -> Iterator[None]:
        """Have a server stopped (kafka, registry) within the block."""
        one = getattr(self.services, server)
        one.stop()
        try:
            yield
        finally:
            one.start()

    def make_topics(self) -> None:
        """Make the regencies' topics, as `muara sources load` does."""
        where = self.services.addresses
        make_topics(where.kafka, where.registry, self.declared.regencies)

    # ---- what is found -----------------------------------------------------------------------------------------------------

    def begin_scenario(self, scope: Scope) -> None:
        """Note what was sent before it."""
        self.scope, self._starts = scope, self.adapter.starts
        self.adapter.set_clock()
        self.next_month()

    def findings(self) -> list[Finding]:
        """Return what holds of everything sent so far, and of what this scenario added."""
        before = {(one.topic, one.offset) for one in self._sent}
        self._sent = records(self.services.addresses, self.declared.regencies, self._sent)
        evidence = Evidence(
            sent=self._sent,
            fresh=[one for one in self._sent if (one.topic, one.offset) not in before],
            truth=self.source.truth,
            expected=self._expectations.of(self.source),
            families={self.pseudonyms.family_card(card(serial)): serial for serial in range(self._serial)},
            villages=[village for villages in self.source.villages.values() for village in villages],
            source=self.declared.source_id,
            scope=self.scope,
            asked_again=(self.adapter.starts - self._starts) * self.source.asked_again,
            tells_its_past=self.source.tells_its_past,
            concludes_ends=self.source.concludes_ends,
            tells_residence=self.source.writer.tells_residence,
            tells_size=self.source.writer.tells_size,
            tells_welfare=self.source.writer.tells_welfare,
            kept=self.adapter.kept_bytes(),
            secrets=self.secrets,
            receipt=self.adapter.receipt,
            peak_mb=self.adapter.peak_mb,
        )
        return [self._finding(name, check(evidence)) for name, check in CHECKS.items()]

    def _finding(self, check: str, failures: Sequence[Failure]) -> Finding:
        """Return what a check found; what was found of a family in an earlier scenario is that one's, and not told again."""
        known = self._failed.setdefault(check, set())
        new = [one for one in failures if one.family is None or one.family not in known]
        known.update(one.family for one in failures if one.family is not None)
        return Finding(check, not new, [one.words for one in new[:_MOST_WORDS]])


def new_pseudonyms() -> tuple[Pseudonyms, str]:
    """Return pseudonyms by a key that is thrown away afterwards, and the key in hex."""
    key = secrets.token_bytes(32)
    return Pseudonyms(key, 1), key.hex()

"""
The checks: what must hold of everything that an adapter has ever sent, after each scenario.

Why: pure functions of what the topics hold and of the truth, so that each can be shown to fail.
Must not: ask a broker or a source.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from deploy.certify.disguises import fields_with
from deploy.certify.expected import Said, Statement, standing
from deploy.certify.office import Record, statements, views
from deploy.certify.told import Fact, Truth, card, name, nik, street
from schemas.proofs import Found, Prover
from schemas.receipts import Receipt

__all__ = ["CHECKS", "PERSONAL", "Evidence", "Failure", "Scope"]

_SIXTEEN_DIGITS = re.compile(rb"(?<![0-9])[0-9]{16}(?![0-9])")
PERSONAL = re.compile(rb"(?=(WARGA [0-9]{6}|JALAN CONTOH [0-9]{6}|99[0-9]{14}))")
"""The shapes of all that is personal in a certification, wherever one begins; see told.py."""
_GREATEST_MB = 150.0
_MOST_PERSONS = 12


class Failure(NamedTuple):
    """What does not hold, in words, and of which family if it is of one: of that family the same is not told again."""

    words: str
    family: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scenario lets an adapter do: say a record again (after a kill, or when told again), or out of order."""

    repeats: int = 0
    """How many records may be equal to one sent before, beside those that an adapter that starts may ask for again."""
    dies: int = 0
    """How often it is killed: each time, what this scenario was the first to tell may be sent once more, and nothing older."""
    repeats_all: bool = False
    """The adapter starts over: everything may be sent again, and it must be the same to the byte."""
    disorder: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known after a scenario."""

    sent: Sequence[Record]
    """Everything in the topics."""
    fresh: Sequence[Record]
    """What this scenario has added to them."""
    truth: Truth
    expected: Mapping[Statement, Said]
    """What must stand of all that was told, section by section."""
    families: Mapping[bytes, int]
    """Serials by pseudonym, of every family that was ever told of."""
    villages: Collection[str]
    source: str
    scope: Scope
    asked_again: int
    """How many records may have been asked for, and sent, once more because the adapter was started."""
    tells_its_past: bool
    concludes_ends: bool
    tells_residence: bool
    tells_size: bool
    tells_welfare: bool
    kept: bytes
    """What the adapter has on disk, its log included."""
    secrets: Collection[str]
    """What it was given that nobody else may know: keys, passwords."""
    receipt: Receipt | None
    """What the adapter says of all that it has sent since its file was made."""
    peak_mb: float


def nothing_lost(found: Evidence) -> list[Failure]:
    """Every family stands, on every day on which anything changed, as the source has told, and every section of what it said is there."""
    missing = _unlike_the_truth(found) if found.tells_residence else []
    known = {failure.family for failure in missing}
    return [*missing, *(failure for failure in _unlike_what_was_said(found) if failure.family not in known)]


def _unlike_the_truth(found: Evidence) -> list[Failure]:
    """Return what the office sees otherwise on some day: it follows from all statements together, whatever each of them says."""
    seen = _seen(found)
    missing = []
    for serial, day, fact in found.truth.all_facts():
        wanted, has = _comparable(found, fact), _comparable(found, seen.get((serial, day)))
        if wanted is not None and wanted != has:
            missing.append(Failure(f"family {serial} on {day} is {_words(wanted)} at the source, {_words(has)} at the office", serial))
    return missing


def _unlike_what_was_said(found: Evidence) -> list[Failure]:
    """Return which statements do not stand at the office, or say something else there than their records: members, aid, dwelling, all."""
    stand = standing(found.sent, found.families)
    missing = []
    for statement, wanted in sorted(found.expected.items(), key=itemgetter(0)):
        serial, _, since = statement
        if not (has := stand.get(statement)):
            missing.append(Failure(f"family {serial}: what holds from {since} on is not at the office", serial))
        elif wanted not in has:
            other = ", ".join(name for name, content in wanted.items() if content != has[0][name])
            missing.append(Failure(f"family {serial}: what holds from {since} on is otherwise at the office in: {other}", serial))
    return missing


def nothing_doubled(found: Evidence) -> list[Failure]:
    """No household is there that the source does not have, and nothing was sent twice that the scenario does not let be."""
    strangers = _strangers(found)
    wrong = [Failure(f"{strangers} households are at the office that the source never had")] if strangers else []
    for (serial, day), fact in _seen(found).items():
        if found.truth.at(serial, day) is None:
            wrong.append(Failure(f"family {serial} on {day} is {_words(fact)} at the office, and does not exist at the source", serial))
    again = _sent_again(found)
    allowed = found.scope.repeats + found.asked_again
    if not found.scope.repeats_all and again > allowed:
        wrong.append(Failure(f"{again} records were sent that had been sent before; {allowed} may be"))
    return wrong


def _sent_again(found: Evidence) -> int:
    """Return how many records of this scenario are equal to one sent before, but for those that deaths explain."""
    fresh = {(one.topic, one.offset) for one in found.fresh}
    before = {one.value for one in found.sent if (one.topic, one.offset) not in fresh}
    copies = Counter(one.value for one in found.fresh)
    return sum(count if value in before else max(count - 1 - found.scope.dies, 0) for value, count in copies.items())


def order_kept(found: Evidence) -> list[Failure]:
    """Of each household's claim, what is sent first is what the source said first."""
    if found.scope.disorder:
        return []
    newest: dict[tuple[object, ...], int] = {}
    wrong, fresh = [], {(one.topic, one.offset) for one in found.fresh}
    known = {one.value for one in found.sent if (one.topic, one.offset) not in fresh}
    for one in found.fresh:
        claim: tuple[object, ...] = (one.key, one.event["region"], one.event["source"])
        if one.value in known:
            continue
        known.add(one.value)
        if found.concludes_ends:
            # What follows from a snapshot of the past for other dates has no place among what was said since; of its own date it has.
            claim = (*claim, one.event["valid_from"])
        if one.event["revision"] < newest.get(claim, 0):
            family = found.families.get(one.key)
            wrong.append(Failure(f"family {family}: at offset {one.offset} of {one.topic} an older revision follows a newer one", family))
        newest[claim] = max(one.event["revision"], newest.get(claim, 0))
    return wrong


def revisions_grow(found: Evidence) -> list[Failure]:
    """Two different statements of one claim and date never have the same revision: else the source's order cannot be told."""
    said: dict[tuple[object, ...], bytes] = {}
    wrong = []
    for one in found.sent:
        event = one.event
        key = (one.key, event["region"], event["source"], event["valid_from"], event["revision"], event["mapping_version"])
        if said.setdefault(key, one.value) != one.value:
            family = found.families.get(one.key)
            wrong.append(Failure(f"family {family}: two statements from {event['valid_from']} on have one revision", family))
    return wrong


def revisions_from_the_source(found: Evidence) -> list[Failure]:
    """
    An adapter that starts over says what it said before, to the byte: nothing in its events came from its own memory or clock.

    What it says of days of which it had not spoken before may be new: a register's next month lists all families anew. An adapter over a
    register, which draws conclusions, starts over twice, and says the same both times.
    """
    if not found.scope.repeats_all or not found.tells_its_past:
        return []
    fresh = {(one.topic, one.offset) for one in found.fresh}
    sent_before = [one for one in found.sent if (one.topic, one.offset) not in fresh]
    before = {one.value for one in sent_before}
    known = {(one.key, one.event["valid_from"]) for one in sent_before}
    again = Counter(one.value for one in found.fresh)
    other = [
        one
        for one in found.fresh
        if (one.key, one.event["valid_from"]) in known and (again[one.value] < 2 if found.concludes_ends else one.value not in before)
    ]
    return [Failure(f"{len(other)} records of families known before are other than all that was sent of them before")] if other else []


def nothing_leaks(found: Evidence) -> list[Failure]:
    """No national identifier, name, address or secret is in any byte that was sent, or in the adapter's own file and log."""
    personal = {what.encode() for serial in set(found.families.values()) for what in _personal(serial)}
    wrong = []
    for place, content in (
        ("what was sent", b"\0".join(one.key + one.value for one in found.sent)),
        ("the adapter's file or log", found.kept),
    ):
        if leaks := len({one[1] for one in PERSONAL.finditer(content)} & personal):
            wrong.append(Failure(f"{leaks} names, addresses or national identifiers are in {place}"))
        elif _SIXTEEN_DIGITS.search(content) and place == "what was sent":
            wrong.append(Failure(f"16 digits in a row, the shape of a national identifier, are in {place}"))
        if shown := sum(one.encode() in content for one in found.secrets):
            wrong.append(Failure(f"{shown} keys or passwords are in {place}"))
    identifiers = {one.decode() for one in personal if one.isdigit()}
    if fields := fields_with(identifiers, (one.event for one in found.fresh)):
        wrong.append(
            Failure(f"national identifiers are in what was sent, as numbers or with their digits apart: in {', '.join(sorted(fields))}")
        )
    if with_headers := sum(one.has_headers for one in found.sent):
        wrong.append(Failure(f"{with_headers} records have headers, of which nobody says what may be in them"))
    return wrong


def receipts_hold(found: Evidence) -> list[Failure]:
    """The chain that the adapter keeps over what it sent is that of the topics' records; what lies beside it was sent again."""
    wrong: list[Failure] = []
    for topic, there in _proved(found).items():
        wrong += [Failure(f"{topic}: {one}") for one in there.differences]
        if there.unknown and not found.scope.repeats_all:
            wrong.append(Failure(f"{topic}: {there.unknown} records, the first at offset {there.unknown_at}, are in no receipt"))
    return wrong


def _proved(found: Evidence) -> dict[str, Found]:
    """Return what is found of the receipt's chains in each topic."""
    chains = found.receipt.chains if found.receipt else ()
    proved = {}
    for topic, _ in sorted({chain.place for chain in chains}):
        prover = Prover(found.source, [chain for chain in chains if chain.topic == topic])
        more = True
        while more:
            for one in found.sent:
                if one.topic == topic and one.offset < prover.end:
                    prover.take(one.offset, one.key, one.value)
            more = prover.finish()
        proved[topic] = prover.found
    return proved


def memory_bounded(found: Evidence) -> list[Failure]:
    """The adapter never needs more than 150 MB."""
    return [Failure(f"{found.peak_mb:.0f} MB were resident, {_GREATEST_MB:.0f} may be")] if found.peak_mb > _GREATEST_MB else []


CHECKS: Mapping[str, Callable[[Evidence], list[Failure]]] = {
    "nothing lost": nothing_lost,
    "nothing doubled": nothing_doubled,
    "order kept": order_kept,
    "revisions grow": revisions_grow,
    "revisions come from the source": revisions_from_the_source,
    "nothing leaks": nothing_leaks,
    "receipts hold": receipts_hold,
    "memory bounded": memory_bounded,
}


def _seen(found: Evidence) -> dict[tuple[int, date], Fact]:
    """Return families as the office sees them, by serial and day."""
    of_family = found.truth.days()
    days = {household: of_family.get(serial, set()) for household, serial in found.families.items()}
    seen = views(statements(found.sent), days, found.villages, found.source)
    return {(found.families[household], day): fact for (household, day), fact in seen.items() if household in found.families}


def _strangers(found: Evidence) -> int:
    return len({one.key for one in found.sent} - found.families.keys())


def _comparable(found: Evidence, fact: Fact | None) -> Fact | None:
    """Return what of a fact this region file tells at all."""
    if fact is None:
        return None
    return Fact(fact.village, fact.size if found.tells_size else 0, fact.expenditure if found.tells_welfare else None)


def _words(fact: Fact | None) -> str:
    if fact is None:
        return "nowhere"
    return f"in {fact.village}, {fact.size} people, {fact.expenditure} rupiah"


def _personal(serial: int) -> list[str]:
    return [card(serial), name(serial), street(serial), *(nik(serial, place) for place in range(_MOST_PERSONS))]

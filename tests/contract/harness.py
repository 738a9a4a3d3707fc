"""
What a conformance test works with, beside what a certification has: the adapter over a kind of source, and who lives at the office.

Why: what counts is what the office would hold, not which calls were made.
Must not: hold a second form of what stands in deploy/certify.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from deploy.certify import office as read
from deploy.certify.adapter import OWN_CODE, until
from deploy.certify.adapter import Adapter as Certified
from deploy.embedded import Addresses
from processors.law import Link, by_household, kept, visible
from producers.pseudonym import Pseudonyms
from producers.rereading import Rereader, prove
from schemas.events import Operation
from schemas.proofs import Found
from schemas.receipts import Receipt
from tests.contract.kinds import Kind
from tests.producers.samples import KEY, NEW_KEY, card

__all__ = ["Adapter", "office", "records", "until"]


class Adapter(Certified):
    """The adapter's own code over a kind of source."""

    def __init__(self, kind: Kind, environ: Mapping[str, str], where: Addresses, folder: Path, state: Path | None = None) -> None:
        """Run nothing yet; `state` is where its file lies if not in the folder's own `state`."""
        super().__init__(kind.region_file, {**environ, "MUARA_PSEUDONYM_KEY": KEY.hex()}, where, folder, OWN_CODE, kind.has_told)
        self.kind, self._where = kind, where
        if state is not None:
            state.mkdir(parents=True, exist_ok=True)
            self.state = state
            self._environ["CERTIFICATION_STATE"] = str(state)

    @property
    def state_file(self) -> Path:
        """The adapter's file, which is there."""
        assert self.file is not None
        return self.file

    def proved(self) -> tuple[Receipt, Found]:
        """What it says it sent to its regency's topic, and what is found there."""
        made = self.receipt
        assert made is not None
        with Rereader(self._where.kafka) as reader:
            (found,) = prove(reader, made).values()
        return made, found


def records(where: Addresses, kind: Kind) -> list[read.Record]:
    """Return everything in a kind's topic."""
    return read.records(where, [kind.regency])


def office(where: Addresses, kind: Kind, day: date = date(2100, 1, 1)) -> dict[int, int]:
    """Return the households that live on a day by the law, by the serials of their cards, with their sizes; none stands there twice."""
    sent = records(where, kind)
    said = [(one.key, read.statement_of(one.event)) for one in sent]
    events = [one.event for one in sent if one.event["previous_household"] is not None]
    links = [Link(one["previous_household"], one["household"], one["key_version"]) for one in events]
    serials = {Pseudonyms(key, 1).family_card(card(serial)): serial for key in (KEY, NEW_KEY) for serial in range(1, 10_000)}
    found: dict[int, int] = {}
    for household, statements in by_household(said, links).items():
        newest = [one for one in visible(kept(statements)) if one.valid_from <= day]
        if newest and newest[-1].operation is not Operation.END:
            assert serials[household] not in found, "one household counts under two names"
            found[serials[household]] = newest[-1].size or 0
    return found

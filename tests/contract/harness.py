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
from processors.law import Link
from producers.rereading import Rereader, prove
from schemas.proofs import Found
from schemas.receipts import Receipt
from tests.contract.kinds import Kind
from tests.living import living
from tests.producers.samples import KEY

__all__ = ["Adapter", "office", "records", "until"]


class Adapter(Certified):
    """The adapter's own code over a kind of source."""

    def __init__(self, kind: Kind, environ: Mapping[str, str], where: Addresses, folder: Path) -> None:
        """Run nothing yet."""
        super().__init__(kind.region_file, {**environ, "MUARA_PSEUDONYM_KEY": KEY.hex()}, where, folder, OWN_CODE, kind.has_told)
        self.kind, self._where = kind, where

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
    return living(said, links, day=day)

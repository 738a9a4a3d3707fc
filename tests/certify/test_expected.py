"""What a family says is its own and changes with it, and what stands at the office is compared with it section by section."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.certify.expected import Statement, said, standing
from deploy.certify.office import Record
from deploy.certify.told import Fact, Told
from deploy.certify.writing import Writer
from producers.records import Node
from producers.region_file import read_region_file
from schemas.events import HouseholdChanged, to_record
from tests.producers.samples import REGIONS, carik, mapper

DEPTH = 4
MARCH = date(2024, 3, 1)
HOUSEHOLD = b"\x01" * 16


def change(serial: int, sequence: int, village: str = "31.74.01.1001") -> Told:
    """Return a change of a family of four."""
    return Told(serial, MARCH, sequence, datetime(2024, 3, 5, 8, tzinfo=UTC), fact=Fact(village, 4, 3_000_000))


def event_of(told: Told, region_file: Path | None = None) -> HouseholdChanged:
    """Return the event that a region file makes of a change's record."""
    declared = read_region_file(region_file, None) if region_file else carik()
    at: Node | None = None
    for layer in reversed(Writer(declared, DEPTH, as_text=declared.source.kind in ("files", "postgres")).record(told)):
        at = Node(layer, at)
    assert at is not None
    return mapper(declared).event(at)


@pytest.mark.parametrize("region_file", sorted(REGIONS.glob("*.toml")), ids=lambda one: one.stem)
def test_what_is_said_differs_from_family_to_family_and_from_change_to_change(region_file: Path) -> None:
    """In every section that a region file reads but size and place, which are told; and whatever is drawn can be read."""
    village = read_region_file(region_file, None).regencies[0] + ".01.2001"
    events = [event_of(change(serial, sequence, village), region_file) for serial in range(30) for sequence in (1, 2)]
    for section in ("dwelling", "members", "programmes", "nutrition"):
        all_said = [getattr(event, section) for event in events]
        if all_said[0] is None:
            continue
        assert len({repr(one) for one in all_said[::2]}) > 15, section
        assert sum(first != second for first, second in zip(all_said[::2], all_said[1::2], strict=True)) > 15, section


def test_the_same_change_is_the_same_whenever_it_is_written() -> None:
    """Else a source that repeats itself would say something else."""
    assert event_of(change(7, 3)) == event_of(change(7, 3))


def test_of_what_was_sent_the_greatest_revision_stands() -> None:
    """In whatever order it came, and what is of no family of ours is left out; two under one revision both stand, as one may be right."""
    first, second, third = sent(0, 1, 5), sent(1, 2, 9), sent(2, 3, 9)
    stranger = Record("t", 3, b"\x02" * 16, b"", first.event, has_headers=False)

    stand = standing([second, third, first, stranger], {HOUSEHOLD: 7})

    assert stand == {Statement(7, "31.74", MARCH): [said(second.event), said(third.event)]}


def test_the_order_of_a_list_says_nothing_and_its_content_does() -> None:
    """A database gives rows in any order."""
    event = to_record(event_of(change(7, 1)))

    assert said({**event, "members": event["members"][::-1]}) == said(event)
    assert said({**event, "members": event["members"][1:]}) != said(event)


def sent(offset: int, sequence: int, revision: int) -> Record:
    """Return a record of a topic that says what a change says, under a revision."""
    told: Mapping[str, Any] = {**to_record(event_of(change(7, sequence))), "revision": revision}
    return Record("t", offset, HOUSEHOLD, b"", told, has_headers=False)

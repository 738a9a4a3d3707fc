"""
What must stand at the office of all that a source has told: the region file's own mapping, applied to the records of a stand-in.

Why: an adapter that loses, mixes up or waters down what a record says is seen in any section, whether or not a figure needs it.
Must not: hold the mapping itself for right or wrong: the region file's examples do, and `muara adapter check --sample`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from deploy.certify.office import Record
from deploy.certify.stand_ins import StandIn
from deploy.certify.told import Told
from deploy.certify.writing import Layers
from producers.declaration import Declaration
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.records import Node
from schemas.events import to_record

__all__ = ["Expectations", "Said", "Statement", "said", "standing"]

_SECTIONS = ("residence", "composition", "welfare", "dwelling", "members", "programmes", "nutrition")
Said = Mapping[str, Any]
"""What a statement says: its operation and its sections, lists in one order, since theirs tells nothing."""


class Statement(NamedTuple):
    """Which statement: of a family, by the regency in which it was said, from a date on."""

    serial: int
    region: str
    since: date


class Expectations:
    """What is expected of one region's adapter; what was worked out once of a change is remembered."""

    def __init__(self, declared: Declaration, pseudonyms: Pseudonyms) -> None:
        """Know the mapping, and the key that the adapter has."""
        self._mapper = Mapper(declared, pseudonyms)
        self._known: dict[Told, Said] = {}

    def of(self, source: StandIn) -> dict[Statement, Said]:
        """Return what must stand of all that a source has told."""
        expected = {}
        for told in source.standing():
            if told not in self._known:
                event = self._mapper.event(_node(source.writer.record(told)))
                self._known[told] = said(to_record(event))
            expected[Statement(told.serial, told.fact.village[:5], told.since)] = self._known[told]
        return expected


def said(event: Mapping[str, Any]) -> Said:
    """Return what an event says, as it stands in a topic or as it is about to be written."""
    return {"operation": str(event["operation"]), **{name: _in_order(event[name]) for name in _SECTIONS}}


def standing(sent: Sequence[Record], families: Mapping[bytes, int]) -> dict[Statement, list[Said]]:
    """
    Return what stands of all that was sent of families, by the greatest revision and mapping version.

    Several where they differ under one revision, which is a fault of its own that another check tells.
    """
    greatest: dict[Statement, tuple[tuple[int, int], list[Said]]] = {}
    for one in sent:
        if (serial := families.get(one.key)) is None:
            continue
        event, order = one.event, (one.event["revision"], one.event["mapping_version"])
        statement = Statement(serial, event["region"], event["valid_from"])
        held, all_said = greatest.get(statement, (order, []))
        if order > held:
            greatest[statement] = (order, [said(event)])
        elif order == held:
            greatest[statement] = (order, [*all_said, said(event)])
    return {statement: all_said for statement, (_, all_said) in greatest.items()}


def _in_order(section: Any) -> Any:  # noqa: ANN401 - a section of an event
    return sorted(section, key=repr) if isinstance(section, list) else section


def _node(layers: Layers) -> Node:
    """Return a record as a reader hands it over."""
    at: Node | None = None
    for layer in reversed(layers):
        at = Node(layer, at)
    assert at is not None  # noqa: S101 - a record is a layer
    return at

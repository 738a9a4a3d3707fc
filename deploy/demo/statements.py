"""
What the platform holds of every household, all sections of it: the topics read whole, and by the law the statements that stand.

Why: the database keeps what figures need; members, dwelling, aid and nutrition lie in the topics alone.
Must not: know what is true.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from deploy.embedded import Addresses
from processors.law import Statement, kept, visible
from producers.rereading import Rereader
from schemas.codec import decode
from schemas.events import Operation
from schemas.registry import Registry
from schemas.topics import household_topic

__all__ = ["SECTIONS", "Held", "Key", "held_of", "topics_read"]

SECTIONS = ("residence", "composition", "welfare", "dwelling", "members", "programmes", "nutrition")
_TO_THE_END = 1 << 62
Key = tuple[bytes, str, str, date]
"""A statement's household (its pseudonym), regency, source and day."""
Values = tuple[Any, ...]
Held = Mapping[Key, Values]
"""What stands, by section in the order of `SECTIONS`: values in the contract's order, of lists a row of them for each item, or None."""


@dataclass(frozen=True, slots=True)
class _Whole(Statement):
    """A statement with all its sections; the law does not look at them."""

    sections: Values = ()


def topics_read(where: Addresses, regencies: Collection[str]) -> Iterator[Mapping[str, Any]]:
    """Yield every event of some regencies' topics; raises `BrokerSilent`, `TopicForbidden`."""
    with closing(Registry(where.registry)) as registry, Rereader(where.kafka) as reader:
        for regency in regencies:
            for message in reader.records((household_topic(regency), 0), _TO_THE_END):
                yield decode("HouseholdChanged", cast("bytes", message.value()), (), registry)


def held_of(events: Iterable[Mapping[str, Any]]) -> dict[Key, Values]:
    """Return what stands after all that was said, by the law."""
    said: dict[bytes, list[Statement]] = {}
    alike: dict[Values, Values] = {}
    for event in events:
        said.setdefault(event["household"], []).append(_statement(event, alike))
    return {
        (household, one.region, one.source, one.valid_from): cast("_Whole", one).sections
        for household, statements in said.items()
        for claim in _claims(kept(statements))
        for one in visible(claim)
        if one.operation is Operation.UPSERT
    }


def _claims(statements: Iterable[Statement]) -> Iterable[list[Statement]]:
    claims: dict[tuple[str, str], list[Statement]] = {}
    for one in statements:
        claims.setdefault(one.claim, []).append(one)
    return claims.values()


def _statement(event: Mapping[str, Any], alike: dict[Values, Values]) -> _Whole:
    """Return an event as the law takes it; what is said alike again and again is held once."""
    sections = tuple(_values(event[name]) for name in SECTIONS)
    return _Whole(
        event["region"],
        event["source"],
        event["valid_from"],
        event["revision"],
        event["mapping_version"],
        Operation(event["operation"]),
        event["residence"] and event["residence"]["village"],
        event["composition"] and event["composition"]["size"],
        event["welfare"] and event["welfare"]["expenditure"],
        bool(event["welfare"]) and event["welfare"]["basis"] == "MODELLED",
        alike.setdefault(sections, sections),
    )


def _values(section: Any) -> Values | None:  # noqa: ANN401 - a record, a list of such, or None
    if section is None:
        return None
    return tuple(section.values()) if isinstance(section, dict) else tuple(tuple(one.values()) for one in section)

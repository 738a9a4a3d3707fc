"""
Admission: which events may be applied at all, judged one at a time; everything else is rejected with a cause a person understands.

Why: it is the definition. Columns let through only what is surely fine and hand every other record to `admit`.
Must not: know a clock: a date is judged by the day on which its record arrived at the broker, so a replay judges alike; or let what
an event says into a cause, for its message and facts are kept, logged and published: limits, the topic's regency and the day of arrival are
all that they tell. What a field holds, `muara rejected show` reads again from the topic.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from processors.law import Link, Statement
from processors.reference import Limits, Reference
from schemas.errors import Rejected
from schemas.events import Operation, WelfareBasis

__all__ = ["EARLIEST", "GREATEST_EXPENDITURE", "Record", "admit", "arrival_day", "cause_of", "field_of", "link_of"]

EARLIEST = date(1900, 1, 1)
GREATEST_EXPENDITURE = 10**12
"""
Rupiah per household and month; ten thousand times what the richest spend. Every batch's sums fit 64 bits with it, whatever it says, while
sums over the country would pass them if ten million households said so much: `rollup.total` and PostgreSQL refuse that, and never wrap.
"""
_EAST = timezone(timedelta(hours=9))
"""Indonesia's earliest midnight."""
_NATIONAL_IDENTIFIER = re.compile(r"[0-9]{16}")
_INT = 1 << 31


@dataclass(frozen=True, slots=True)
class Record:
    """An event as it lay in Kafka: its decoded fields, its key, the regency of its topic, and when it arrived (UTC)."""

    fields: Mapping[str, Any]
    key: bytes | None
    regency: str
    arrived: datetime


class KeyIsNotTheHousehold(Rejected):
    """the record's key is not its household: send the 16 bytes of the pseudonym as the key"""

    field = "household"


class PreviousIsTheHousehold(Rejected):
    """previous_household is the household itself: it must be made with an older key than the household"""

    field = "previous_household"


class PreviousIsEmpty(Rejected):
    """previous_household is 16 zero bytes, which no key makes of any card: leave it null where there is no older key"""

    field = "previous_household"


class KeyVersionOutOfRange(Rejected):
    """key_version is not from 1 to 2147483647, as it must be beside previous_household: it tells which of the names is the newer one"""

    field = "key_version"


class RegionIsNotTheTopics(Rejected):
    """its region is not {regency}, whose topic this is: send each regency's changes to its own topic"""

    field = "region"


class SourceNotRegistered(Rejected):
    """its source may not speak for regency {regency}: register it with muara sources load, or correct the event"""

    field = "source"


class DateBeyondArrival(Rejected):
    """valid_from lies later than {latest}, the last day that was allowed when the record arrived, on {arrived}: correct the date"""

    field = "valid_from"


class DateBeforeRegisters(Rejected):
    """valid_from lies before {earliest}: correct the date"""

    field = "valid_from"


class VillageUnknown(Rejected):
    """its village is not in the region reference: correct the code, or add the village with muara regions load"""

    field = "residence.village"


class VillageOutsideRegency(Rejected):
    """its village does not lie in regency {regency}, whose topic this is, nor ever did: the regency of residence must speak for it"""

    field = "residence.village"


class SizeBeyondReason(Rejected):
    """a household of less than 1 or more than {greatest} people is beyond reason: correct the size"""

    field = "composition.size"


class ExpenditureBeyondReason(Rejected):
    """an expenditure below 0 or above {greatest} rupiah per month is beyond reason: correct the amount"""

    field = "welfare.expenditure"


class NumberOutOfRange(Rejected):
    """{name} does not fit its 32 bits: correct the number"""

    field = "mapping_version"


class NationalIdentifierInText(Rejected):
    """{at} holds 16 digits in a row, the shape of a national identifier: nothing that may identify a person may be published"""


def cause_of(error: Rejected) -> str:
    """
    Return the short name of a cause.

    >>> cause_of(SourceNotRegistered(regency="31.74"))
    'source_not_registered'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def field_of(error: Rejected) -> str:
    """Return the field of the event that is at fault; empty where it is the record as a whole."""
    return str(error.facts.get("at", error.field))


def arrival_day(arrived: datetime) -> date:
    """Return the day of arrival as Indonesia's easternmost clocks (UTC+9) have it."""
    return arrived.astimezone(_EAST).date()


def admit(record: Record, reference: Reference, limits: Limits) -> Statement:
    """
    Return the statement that an event makes, or raise the `Rejected` that says why it can never be applied.

    The order of the checks is part of the answer: the first that fails names the cause.
    """
    said = record.fields
    _check_text(said, "")
    if record.key != said["household"]:
        raise KeyIsNotTheHousehold
    _check_previous(said)
    if said["region"] != record.regency:
        raise RegionIsNotTheTopics(regency=record.regency)
    if reference.registration(said["region"], said["source"]) is None:
        raise SourceNotRegistered(regency=record.regency)
    _check_date(said["valid_from"], arrival_day(record.arrived), limits)
    if not -_INT <= said["mapping_version"] < _INT:
        raise NumberOutOfRange(name="mapping_version")
    welfare = said["welfare"]
    return Statement(
        region=said["region"],
        source=said["source"],
        valid_from=said["valid_from"],
        revision=said["revision"],
        mapping_version=said["mapping_version"],
        operation=Operation(said["operation"]),
        village=_village(said["residence"], record.regency, reference),
        size=_size(said["composition"], limits),
        expenditure=_expenditure(welfare),
        modelled=bool(welfare) and welfare["basis"] == WelfareBasis.MODELLED,
    )


def link_of(record: Record) -> Link | None:
    """Return the link that an admitted event makes beside its statement, None where it names no previous household."""
    said = record.fields
    if said["previous_household"] is None:
        return None
    return Link(said["previous_household"], said["household"], said["key_version"])


def _check_previous(said: Mapping[str, Any]) -> None:
    """Refuse a link that is seen to be wrong in its own record; others that contradict each other are settled by `law.households`."""
    previous = said["previous_household"]
    if previous is None:
        return
    if previous == said["household"]:
        raise PreviousIsTheHousehold
    if not any(previous):
        raise PreviousIsEmpty
    if not 1 <= said["key_version"] < _INT:
        raise KeyVersionOutOfRange


def _check_text(value: Any, at: str) -> None:  # noqa: ANN401 - any part of a record
    """Refuse text with 16 digits in a row anywhere in the record."""
    if isinstance(value, str):
        if _NATIONAL_IDENTIFIER.search(value):
            raise NationalIdentifierInText(at=at)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _check_text(one, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for one in value:
            _check_text(one, f"{at}[]")


def _check_date(valid_from: date, arrived: date, limits: Limits) -> None:
    latest = arrived + timedelta(days=limits.days_ahead)
    if valid_from > latest:
        raise DateBeyondArrival(latest=latest, arrived=arrived)
    if valid_from < EARLIEST:
        raise DateBeforeRegisters(earliest=EARLIEST)


def _village(residence: Mapping[str, Any] | None, regency: str, reference: Reference) -> str | None:
    if residence is None:
        return None
    village = str(residence["village"])
    known = reference.regions.get(village)
    if known is None or known.level != "village":
        raise VillageUnknown
    if not reference.may_speak_of(regency, village):
        raise VillageOutsideRegency(regency=regency)
    return village


def _size(composition: Mapping[str, Any] | None, limits: Limits) -> int | None:
    if composition is None:
        return None
    size = int(composition["size"])
    if not 1 <= size <= limits.household_size:
        raise SizeBeyondReason(greatest=limits.household_size)
    return size


def _expenditure(welfare: Mapping[str, Any] | None) -> int | None:
    if welfare is None:
        return None
    expenditure = int(welfare["expenditure"])
    if not 0 <= expenditure <= GREATEST_EXPENDITURE:
        raise ExpenditureBeyondReason(greatest=GREATEST_EXPENDITURE)
    return expenditure

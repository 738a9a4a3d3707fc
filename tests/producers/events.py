"""Events and batches of a test that does not care what is in them."""

from datetime import UTC, date, datetime

from producers.sources import Batch
from schemas.codec import parsed, read_body
from schemas.events import Composition, Dwelling, HouseholdChanged, Operation, Residence, Welfare, WelfareBasis

__all__ = ["NOW", "batch", "decoded", "event"]

NOW = datetime(2024, 4, 1, tzinfo=UTC)


def event(serial: int, region: str = "31.74") -> HouseholdChanged:
    """Return the END of an invented household."""
    return HouseholdChanged(serial.to_bytes(16, "big"), 1, region, "carik", date(2024, 3, 1), serial, 1, Operation.END, NOW)


def batch(*serials: int, position: str = "p", caught_up: bool = False) -> Batch:
    """Return a batch of such events."""
    return Batch([event(serial) for serial in serials], position, caught_up)


def decoded(value: bytes) -> HouseholdChanged:
    """Return the event in a record's value, of sections those that a snapshot has."""
    schema = parsed("HouseholdChanged")
    record = read_body(value[5:], schema, schema)
    kinds = {"residence": Residence, "composition": Composition, "dwelling": Dwelling}
    sections = {name: kind(**record[name]) for name, kind in kinds.items() if record[name] is not None}
    if (welfare := record["welfare"]) is not None:
        sections["welfare"] = Welfare(welfare["expenditure"], WelfareBasis(welfare["basis"]))
    return HouseholdChanged(**{**record, "operation": Operation(record["operation"]), **sections})

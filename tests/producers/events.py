"""Events and batches of a test that does not care what is in them."""

from datetime import UTC, date, datetime

from producers.sources import Batch
from schemas.events import HouseholdChanged, Operation

__all__ = ["NOW", "batch", "event"]

NOW = datetime(2024, 4, 1, tzinfo=UTC)


def event(serial: int, region: str = "31.74") -> HouseholdChanged:
    """Return the END of an invented household."""
    return HouseholdChanged(serial.to_bytes(16, "big"), 1, region, "carik", date(2024, 3, 1), serial, 1, Operation.END, NOW)


def batch(*serials: int, position: str = "p", caught_up: bool = False) -> Batch:
    """Return a batch of such events."""
    return Batch([event(serial) for serial in serials], position, caught_up)

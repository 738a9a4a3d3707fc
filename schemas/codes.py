"""
The codes that the contract allows in each coded field of an event: Regsosek 2022, blocks III and IV.

Why: the Avro types know whole numbers only; a code beyond its list would be merged, and be found by whoever counts codes, months later.
Must not: judge an event: adapters do before they send; what is in the topics stays valid.

The documentation of the fields in the Avro schemas names the same codes; a test holds the two equal.
"""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["CODES", "Codes"]


class Codes(NamedTuple):
    """The least and the greatest code of a field; all between them are codes of it."""

    least: int
    greatest: int

    def __str__(self) -> str:
        """Return them for a person."""
        return f"{self.least} to {self.greatest}"


CODES: Mapping[str, Codes] = {
    "dwelling.tenure": Codes(1, 5),
    "dwelling.floor": Codes(1, 9),
    "dwelling.wall": Codes(1, 7),
    "dwelling.roof": Codes(1, 8),
    "dwelling.water": Codes(1, 11),
    "dwelling.lighting": Codes(1, 4),
    "dwelling.fuel": Codes(0, 11),
    "dwelling.toilet": Codes(1, 6),
    "dwelling.sewage": Codes(1, 6),
    "members.sex": Codes(1, 2),
    "members.birth_month": Codes(1, 12),
    "members.relation": Codes(1, 8),
    "members.schooling": Codes(0, 22),
    "members.work": Codes(0, 7),
    "members.presence": Codes(1, 6),
    "nutrition.status": Codes(0, 2),
}
"""By section and field."""

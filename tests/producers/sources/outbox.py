"""
An outbox beside an invented Smart Kampung, made by the very statements that its owner is told in the page on region files.

Why: what owners are told must work, to the letter.
Must not: read.
"""

from psycopg.sql import SQL, Identifier

from tests.producers.kampung import Kampung
from tests.producers.samples import REGIONS

__all__ = ["BY_OUTBOX", "make_outbox"]

BY_OUTBOX = ('capture = "log"', 'capture = "outbox"\noutbox = { table = "smart_kampung.muara_outbox" }')
"""The change of the region file's text."""
_TOLD = (REGIONS / "README.md").read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]


def make_outbox(made: Kampung, *changes: tuple[str, str]) -> None:
    """Make it, with changes of what its owner is told, and let the adapter's role read it alone."""
    told = _TOLD
    for before, after in changes:
        assert before in told
        told = told.replace(before, after)
    made.owner.execute("drop publication muara")
    made.owner.execute(told)
    made.owner.execute(SQL("revoke select on all tables in schema smart_kampung from {}").format(Identifier(made.role)))
    made.owner.execute(SQL("grant select on smart_kampung.muara_outbox to {}").format(Identifier(made.role)))

"""What a database's reader remembers does not depend on how its changes were cut into batches."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from producers.sources.postgres.memory import Memory
from schemas.events import HouseholdChanged, Operation, Residence

_DAYS = [date(2024, month, 1) for month in (1, 2, 3, 4)]
_CHANGES = st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.sampled_from(Operation), st.sampled_from(_DAYS)), max_size=12)


def _said(changes: Sequence[tuple[bytes, Operation, date]]) -> list[HouseholdChanged]:
    return [
        HouseholdChanged(
            household=who * 16,
            key_version=1,
            region="58.98",
            source="contoh",
            valid_from=since,
            revision=number,
            mapping_version=1,
            operation=operation,
            recorded_at=datetime(2024, 5, 1, tzinfo=UTC),
            residence=Residence("58.98.01.2001") if operation is Operation.UPSERT else None,
        )
        for number, (who, operation, since) in enumerate(changes)
    ]


def _told(batches: Sequence[Sequence[HouseholdChanged]]) -> list[HouseholdChanged]:
    """Return what is said of batches, each remembered as it is kept."""
    connection = sqlite3.connect(":memory:")
    memory, told = Memory(connection), []
    for batch in batches:
        found = memory.with_voided(batch)
        Memory.keep_ends(connection, found)
        told += found
    connection.close()
    return told


@given(_CHANGES, st.sets(st.integers(0, 12)))
def test_which_ends_were_wrong_follows_from_the_order_alone(changes: Sequence[tuple[bytes, Operation, date]], cuts: set[int]) -> None:
    """However they are cut, the same RETRACTs are said behind the same events, under revisions that never fall."""
    said = _said(changes)
    places = [0, *sorted(one for one in cuts if one < len(said)), len(said)]

    told = _told([said[begin:end] for begin, end in pairwise(places)])

    assert told == _told([said])
    assert [one for one in told if one in said] == said
    assert [one.revision for one in told] == sorted(one.revision for one in told)


def test_a_family_that_is_there_before_its_end_was_never_gone() -> None:
    """Whatever is said of it in the same batch; one that comes back later was gone."""
    a, upsert, end, retract = b"a", Operation.UPSERT, Operation.END, Operation.RETRACT
    january, february, march, april = _DAYS

    wrong = _told([_said([(a, upsert, january), (a, end, march), (a, upsert, february), (a, upsert, april)])])
    right = _told([_said([(a, upsert, january), (a, end, march), (a, upsert, april), (a, upsert, january)])])

    assert [(one.operation, one.valid_from) for one in wrong][2:] == [(upsert, february), (retract, march), (upsert, april)]
    assert [one.operation for one in right] == [upsert, end, upsert, upsert]

"""The spool: first in, first out, per regency, with its size known to the byte."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from producers.checkpoint import StateFile, status
from producers.spool import Spool


def test_events_come_out_in_order_per_regency(tmp_path: Path) -> None:
    """What was put in comes out in order, each regency for itself; a regency that waits does not hold up another."""
    with StateFile(tmp_path / "s.sqlite", "carik") as state:
        spool = Spool(state)
        with state.transaction():
            spool.append([("31.74", b"a", b"1"), ("31.71", b"b", b"2"), ("31.74", b"c", b"3")])
        mine = spool.after("31.74", 0, 10)
        spool.delivered("31.74", mine[1].seq, 2, sum(one.held for one in mine))

        assert [(one.household, one.value) for one in mine] == [(b"a", b"1"), (b"c", b"3")]
        assert [one.value for one in spool.after("31.71", 0, 10)] == [b"2"]
        assert spool.after("31.74", 0, 10) == []
        assert [one.value for one in spool.after("31.74", mine[0].seq - 1, 1)] == []


def test_a_place_is_never_used_again(tmp_path: Path) -> None:
    """After everything was delivered new events stand behind it, so that whoever reads on from a place misses none."""
    with StateFile(tmp_path / "s.sqlite", "carik") as state:
        spool = Spool(state)
        for _ in range(2):
            with state.transaction():
                spool.append([("31.74", b"a", b"1")])
            (one,) = spool.after("31.74", 0, 10)
            spool.delivered("31.74", one.seq, 1, one.held)
        with state.transaction():
            spool.append([("31.74", b"a", b"1")])

        assert [later.seq > one.seq for later in spool.after("31.74", 0, 10)] == [True]


@given(st.lists(st.tuples(st.sampled_from(["31.71", "31.74"]), st.binary(max_size=300)), max_size=20), st.integers(0, 20))
def test_the_size_is_what_waits(events: list[tuple[str, bytes]], taken: int) -> None:
    """After any deliveries, number and bytes are those of the events that are left."""
    with TemporaryDirectory() as folder, StateFile(Path(folder) / "s.sqlite", "carik") as state:
        spool = Spool(state)
        with state.transaction():
            spool.append((region, b"h" * 16, value) for region, value in events)
        for region in ("31.71", "31.74"):
            first = spool.after(region, 0, taken)
            if first:
                spool.delivered(region, first[-1].seq, len(first), sum(one.held for one in first))
        left = [one for region in ("31.71", "31.74") for one in spool.after(region, 0, 100)]

        assert spool.size() == (len(left), sum(one.held for one in left))


def test_deliveries_are_counted(tmp_path: Path) -> None:
    """The status counts what was delivered."""
    with StateFile(tmp_path / "s.sqlite", "carik") as state:
        spool = Spool(state)
        with state.transaction():
            spool.append([("31.74", b"a", b"1"), ("31.74", b"a", b"2")])
        first = spool.after("31.74", 0, 1)[0]
        spool.delivered("31.74", first.seq, 1, first.held)
        found = status(tmp_path / "s.sqlite")

    assert found is not None
    assert (found.spooled, found.delivered) == (1, 1)

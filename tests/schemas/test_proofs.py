"""The proof: what lies in a partition against what a receipt says, on random partitions that others share, and mended by hand."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.events import HouseholdChanged, Operation
from schemas.proofs import UNREADABLE, Found, Prover, source_of
from schemas.receipts import Chain, Placed, extended
from tests.schemas.test_receipts import chain

Log = dict[int, tuple[bytes | None, bytes | None]]


def value(source: str, number: int) -> bytes:
    """Return an event of a source, as it lies in a topic."""
    said = HouseholdChanged(
        household=number.to_bytes(16, "big"),
        key_version=1 + 70 * number,
        region="99.01",
        source=source,
        valid_from=date(2024, 1, 1),
        revision=number,
        mapping_version=1,
        operation=Operation.END,
        recorded_at=datetime(2024, 1, 1, tzinfo=UTC),
    )
    return encode(said, 7)


def prove(log: Log, *chains: Chain) -> Found:
    """Return what is found in a partition."""
    prover = Prover("carik", chains)
    more = True
    while more:
        for offset in sorted(log):
            if offset < prover.end:
                prover.take(offset, *log[offset])
        more = prover.finish()
    return prover.found


@dataclass
class Lived:
    """A partition as adapters leave it: whose each record is, and the chains of those that were confirmed."""

    log: Log
    chains: list[Chain]
    lost: int
    """Records whose report was lost, and that were sent again."""
    others: Counter[str]


@st.composite
def lived(draw: st.DrawFn) -> Lived:
    """Return a partition shared by an adapter, its resend and other sources, in which reports were lost and events sent again."""
    log: Log = {}
    placed: list[list[Placed]] = [[], []]
    others: Counter[str] = Counter()
    lost = 0
    waiting: list[bytes] = []
    for number in range(draw(st.integers(1, 40))):
        what = draw(st.sampled_from(["run", "run", "run", "resend", "lost", "desa", "nobody"]))
        mine = value("carik", number)
        if what in ("run", "resend"):
            for again in [*waiting, mine] if what == "run" else [mine]:
                placed[what == "resend"].append((len(log), b"k", again))
                log[len(log)] = (b"k", again)
            waiting = [] if what == "run" else waiting
        elif what == "lost":
            log[len(log)] = (b"k", mine)
            waiting.append(mine)
            lost += 1
        else:
            log[len(log)] = (b"k", value("desa", number) if what == "desa" else b"\1")
            others["desa" if what == "desa" else UNREADABLE] += 1
    for again in waiting:
        placed[0].append((len(log), b"k", again))
        log[len(log)] = (b"k", again)
    if not placed[0]:
        placed[0].append((len(log), b"k", value("carik", 99)))
        log[len(log)] = (b"k", value("carik", 99))
    chains = [chain(one, name) for one, name in zip(placed, ("aa", "bb"), strict=True) if one]
    return Lived(log, chains, lost, others)


def _until(log: Log, chains: list[Chain]) -> Log:
    end = max(one.last for one in chains)
    return {offset: one for offset, one in log.items() if offset <= end}


@given(lived())
def test_what_was_sent_is_found(world: Lived) -> None:
    """Every confirmed record is found at its offset, every lost report's copy is known as such, and others are counted by source."""
    found = prove(world.log, *world.chains)
    seen = Counter(source_of(one[1]) for one in _until(world.log, world.chains).values())

    assert found.holds
    assert found.differences == []
    assert found.events == sum(one.held for one in world.chains)
    assert (found.again, found.unknown) == (world.lost, 0)
    assert found.others == Counter({one: count for one, count in seen.items() if one != "carik"})
    assert found.empty == 0


@given(lived(), st.data())
def test_a_record_that_is_another_is_named(world: Lived, data: st.DataObject) -> None:
    """One bit of one record's key or value turned over: the first difference named holds its offset."""
    offset = data.draw(
        st.sampled_from([at for one in world.chains for part in one.segments for run in part.runs for at in range(run[0], run[1] + 1)])
    )
    pair = [bytearray(part or b"") for part in world.log[offset]]
    part = pair[data.draw(st.integers(0, 1))]
    bit = data.draw(st.integers(0, 8 * len(part) - 1))
    part[bit // 8] ^= 1 << bit % 8
    world.log[offset] = (bytes(pair[0]), bytes(pair[1]))
    found = prove(world.log, *world.chains)

    assert not found.holds
    assert found.differences[0].first <= offset <= found.differences[0].last


@given(lived(), st.data())
def test_a_record_that_is_gone_is_named(world: Lived, data: st.DataObject) -> None:
    """One record less: the difference is exactly its offset."""
    offset = data.draw(
        st.sampled_from([at for one in world.chains for part in one.segments for run in part.runs for at in range(run[0], run[1] + 1)])
    )
    del world.log[offset]
    found = prove(world.log, *world.chains)

    assert [(one.first, one.last) for one in found.differences] == [(offset, offset)]
    assert "no record lies there any more" in str(found.differences[0])


@given(lived(), st.data())
def test_a_forged_chain_does_not_hold(world: Lived, data: st.DataObject) -> None:
    """An event dropped, two exchanged or a head changed: the forged chain is refused between the offsets of its segment."""
    forged = world.chains[0]
    segment = forged.segments[0]
    offsets = [at for begin, end in segment.runs for at in range(begin, end + 1)]
    records = [(at, *world.log[at]) for at in offsets]
    kept = [(at, key or b"", said or b"") for at, key, said in records]
    how = data.draw(st.sampled_from(["head", "dropped", "exchanged"] if len(kept) > 1 and kept[0][2] != kept[1][2] else ["head"]))
    if how == "head":
        made = [replace(segment, head=bytes(32))]
    elif how == "dropped":
        made = [replace(one, head=segment.head) for one in extended(None, forged.start("carik"), kept[:-1])]
    else:
        made = extended(None, forged.start("carik"), [(kept[0][0], *kept[1][1:]), (kept[1][0], *kept[0][1:]), *kept[2:]])
    found = prove(world.log, replace(forged, segments=tuple(made)), *world.chains[1:])

    assert not found.holds
    assert found.differences[0].first >= segment.first
    assert found.differences[0].last <= segment.last


def test_a_copy_that_lies_before_its_lost_twin_is_found() -> None:
    """A request of a killed process that the broker appends after its successor's: known as sent again in the second round."""
    log: Log = {number: (b"k", value("carik", said)) for number, said in enumerate((1, 2, 1, 3))}
    mine = chain([(at, b"k", log[at][1] or b"") for at in (0, 1, 3)])
    found = prove(log, mine)

    assert (found.holds, found.events, found.again, found.unknown) == (True, 3, 1, 0)


def test_what_nobody_sent_in_our_name_is_told() -> None:
    """Records of our source that no chain knows are counted, those before the chain too, with the first one's offset."""
    log: Log = {number: (b"k", value("carik", number)) for number in range(5)}
    found = prove(log, chain([(at, b"k", log[at][1] or b"") for at in (2, 4)]))

    assert found.holds
    assert (found.before, found.unknown, found.unknown_at, found.again) == (2, 3, 0, 0)


def test_what_the_broker_no_longer_holds_is_told() -> None:
    """A log that lost its beginning: the offsets that are ours are a difference, the others are offsets without a record."""
    whole: Log = {number: (b"k", value("carik", number)) for number in range(8)}
    mine = chain([(at, b"k", whole[at][1] or b"") for at in range(3, 8)])
    found = prove({at: one for at, one in whole.items() if at >= 5}, mine)

    assert [(one.first, one.last) for one in found.differences] == [(3, 4)]
    assert (found.events, found.empty) == (3, 3)


def test_nothing_left_at_all_is_told() -> None:
    """A topic without records proves nothing."""
    found = prove({}, chain([(0, b"k", b"v"), (2, b"k", b"v")]))

    assert [(one.first, one.last) for one in found.differences] == [(0, 0), (2, 2)]


def test_a_chain_that_is_over_is_not_proved() -> None:
    """Where later records came to earlier offsets, the chain before cannot be shown any more, and that is a difference."""
    log: Log = {0: (b"k", value("carik", 1))}
    old = replace(chain([(0, b"k", b"old"), (1, b"k", b"old")], "old"), over=True)
    found = prove(log, old, chain([(0, b"k", log[0][1] or b"")], "new"))

    assert found.events == 1
    assert [(one.chain, one.first, one.last) for one in found.differences] == [("old", 0, 1)]


@pytest.mark.parametrize(
    "said", [b"", b"\0", b"\0" * 21, b"\0\0\0\0\7" + b"h" * 16 + b"\2\x0a99.01\x0f", b"\0" * 5 + b"\xff" * 40, None, b"\1abc"]
)
def test_a_source_that_cannot_be_read_is_told(said: bytes | None) -> None:
    """Whatever bytes others send, they are counted and never raise."""
    assert source_of(said) == UNREADABLE


@given(st.binary(max_size=60))
def test_hostile_bytes_name_no_source(said: bytes) -> None:
    """No bytes raise, and what is named is short and printable."""
    found = source_of(b"\0" + said)

    assert len(found) <= 64
    assert found.isprintable()


@given(st.from_regex(r"[a-z][a-z0-9_-]{0,15}", fullmatch=True), st.integers(0, 10**6))
def test_a_source_is_read(source: str, number: int) -> None:
    """The source of an event is what the event says, whatever stands before it."""
    assert source_of(value(source, number)) == source

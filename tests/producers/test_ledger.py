"""The ledger: what was delivered is noted with what was forgotten, in chains that prove what lies in the topic, in a bounded file."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import ledger as ledgers
from producers.checkpoint import StateFile
from producers.ledger import Ledger, receipt_of
from producers.spool import Spool
from schemas.proofs import Found, Prover
from schemas.receipts import Chain, Placed, Receipt
from tests.schemas.test_proofs import value

TOPIC = "muara.99.01.household.v1"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFile]:
    """An adapter's file."""
    with StateFile(tmp_path / "s.sqlite", "carik") as made:
        yield made


def placed(*offsets: int) -> list[Placed]:
    """Return records at some offsets."""
    return [(offset, b"k", value("carik", abs(offset))) for offset in offsets]


def noted(state: StateFile) -> Receipt:
    """Return what the file says."""
    found = receipt_of(state.path)
    assert found is not None
    return found


def proved(chains: tuple[Chain, ...], records: list[Placed]) -> Found:
    """Return what is found of chains where only these records lie."""
    prover = Prover("carik", chains)
    for one in records:
        prover.take(*one)
    while prover.finish():
        for one in records:
            prover.take(*one)
    return prover.found


def test_what_is_noted_is_what_lies_there(state: StateFile) -> None:
    """Deliveries of two partitions become a chain each, which the records prove; the receipt reads as it was written."""
    ledger = Ledger(state)
    ledger.note(TOPIC, {0: placed(0, 1), 3: placed(5)})
    ledger.note(TOPIC, {0: placed(4, 5, 6)})
    found = noted(state)

    assert [(one.place, one.events, one.first, one.last) for one in found.chains] == [((TOPIC, 0), 5, 0, 6), ((TOPIC, 3), 1, 5, 5)]
    assert Receipt.read(found.text()) == found
    assert proved(found.chains[:1], placed(0, 1, 4, 5, 6)).holds
    assert proved(found.chains[1:], placed(5)).holds
    assert not proved(found.chains[1:], placed(4)).holds


def test_it_is_noted_with_what_is_forgotten_or_not_at_all(state: StateFile) -> None:
    """A transaction that fails after the note leaves the event in the spool and the ledger as it was."""
    spool, ledger = Spool(state), Ledger(state)
    with state.transaction():
        spool.append([("99.01", b"k", b"v")])
    (one,) = spool.after("99.01", 0, 10)

    def note() -> None:
        ledger.note(TOPIC, {0: placed(0)})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        spool.delivered("99.01", one.seq, 1, one.held, note)
    assert (noted(state).chains, noted(state).waiting) == ((), 1)

    spool.delivered("99.01", one.seq, 1, one.held, lambda: ledger.note(TOPIC, {0: placed(0)}))
    assert ([chain.events for chain in noted(state).chains], noted(state).waiting) == ([1], 0)


def test_a_restart_goes_on_with_the_chain(tmp_path: Path) -> None:
    """The chain of one process is that of the next; an adapter that lost its disk begins one with another name."""
    names = []
    for offset in (0, 1):
        with StateFile(tmp_path / "s.sqlite", "carik") as state:
            Ledger(state).note(TOPIC, {0: placed(offset)})
            names += [one.name for one in noted(state).chains]
    for part in tmp_path.iterdir():
        part.unlink()
    with StateFile(tmp_path / "s.sqlite", "carik") as state:
        Ledger(state).note(TOPIC, {0: placed(2, 3)})
        lost = noted(state)

    assert names[0] == names[1] != lost.chains[0].name
    assert (lost.chains[0].first, lost.chains[0].events) == (2, 2)
    assert proved(lost.chains, placed(2, 3)).holds


def test_offsets_that_go_back_end_a_chain(state: StateFile) -> None:
    """A topic made anew begins at offset 0 again: the chain before is over, and the new one is proved by the new topic."""
    ledger = Ledger(state)
    ledger.note(TOPIC, {0: placed(0, 1, 2)})
    ledger.note(TOPIC, {0: placed(7, 1, 2)})
    chains = noted(state).chains

    assert sorted((one.over, one.events, one.first, one.last) for one in chains) == [(False, 2, 1, 2), (True, 4, 0, 7)]
    assert Receipt.read(noted(state).text()).chains == chains
    assert proved(chains, placed(1, 2)).events == 2
    assert not proved(chains, placed(1, 2)).holds


def test_a_record_without_an_offset_is_counted(state: StateFile) -> None:
    """Where the broker knew a record already and did not say where it lies, it is in no chain, and that is told."""
    ledger = Ledger(state)
    ledger.note(TOPIC, {0: placed(-1, -1, 4, 5, -1)})
    (chain,) = noted(state).chains

    assert (chain.unplaced, chain.events, chain.first, chain.last) == (3, 2, 4, 5)


def test_a_resend_has_a_chain_of_its_own(state: StateFile) -> None:
    """Records of a resend lie between those of the running adapter, and both chains are proved together."""
    running, again = Ledger(state), Ledger(state, "resend")
    running.note(TOPIC, {0: placed(0, 1)})
    again.note(TOPIC, {0: placed(2)})
    running.note(TOPIC, {0: placed(3)})
    again.note(TOPIC, {0: placed(4)})
    chains = noted(state).chains

    assert [(one.writer, one.events) for one in chains] == [("run", 3), ("resend", 2)]
    assert proved(chains, placed(0, 1, 2, 3, 4)).events == 5


def test_the_oldest_offsets_are_forgotten(state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is sent, so many segments are held; count and head of what came before stay, and the rest is proved."""
    monkeypatch.setattr(ledgers, "SEGMENTS_HELD", 3)
    monkeypatch.setattr("schemas.receipts.SEGMENT_EVENTS", 4)
    ledger = Ledger(state)
    for begin in range(0, 90, 5):
        ledger.note(TOPIC, {0: placed(*range(begin, begin + 5))})
    (chain,) = noted(state).chains
    rows = state.connection.execute("select count(*) from receipt_segment").fetchone()[0]

    assert chain.forgotten is not None
    assert (rows, chain.events, chain.first, chain.last) == (3, 90, 80, 89)
    assert (chain.forgotten.events, chain.forgotten.last) == (80, 79)
    assert proved(noted(state).chains, placed(*range(90))).holds
    assert Receipt.read(noted(state).text()) == noted(state)


def test_an_adapter_without_a_file_has_no_receipt(tmp_path: Path) -> None:
    """Where no adapter worked there is nothing, and where one sent nothing yet, an empty receipt."""
    assert receipt_of(tmp_path / "none.sqlite") is None
    with StateFile(tmp_path / "s.sqlite", "carik"):
        found = receipt_of(tmp_path / "s.sqlite")

    assert found is not None
    assert (found.source, found.chains) == ("carik", ())


@given(st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), max_size=6), max_size=8))
def test_it_proves_whatever_was_delivered(deliveries: list[list[tuple[int, int]]]) -> None:
    """Whatever gaps others leave and however deliveries are cut, the chain is proved by all records, and by no fewer."""
    with TemporaryDirectory() as folder, StateFile(Path(folder) / "s.sqlite", "carik") as state:
        offset, records = 0, []
        ledger = Ledger(state)
        for delivery in deliveries:
            said: list[Placed] = []
            for gap, run in delivery:
                offset += gap
                said += placed(*range(offset, offset + run))
                offset += run
            if said:
                ledger.note(TOPIC, {0: said})
            records += said
        chains = ledgers.chains_in(state.connection)

    assert proved(chains, records).events == len(records)
    assert proved(chains, records).holds
    assert not records or not proved(chains, records[:-1]).holds

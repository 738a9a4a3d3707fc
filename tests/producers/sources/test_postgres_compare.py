"""A database that is read by comparison: changes, ends and returns are found, and nothing is said twice or ended by a fault."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from producers.faults import SourceUnready
from producers.pseudonym import Pseudonyms
from producers.sources import Backfill
from producers.sources.postgres import compare as compare_module
from schemas.events import Operation
from tests.producers.kampung import Kampung
from tests.producers.samples import NEW_KEY, card, rotated
from tests.producers.sources.reading import Reading, declared, held, reading

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


@pytest.fixture
def reader(made: Kampung, tmp_path: Path) -> Iterator[Reading]:
    """A reader by comparison, of a role that may only read, page by page."""
    made.owner.execute("drop publication muara")
    with reading(declared(made, tmp_path, ('capture = "log"', 'capture = "compare"\ngreatest_loss = 0.5')), made, tmp_path) as one:
        yield one


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_module, "PAGES", 1)


def test_only_what_has_changed_is_said(made: Kampung, reader: Reading) -> None:
    """Rows, members and ends that differ from what was said are said, under growing revisions; a reading without changes says nothing."""
    for serial in range(1, 5):
        made.put(serial, 2, MARCH)
    assert len(reader.read_all()) == 4
    assert {one.backfill for one in reader.batches[:-1]} == {Backfill(4, 4)}
    first = len(reader.batches) - 1
    assert reader.read_all() == []
    assert {one.backfill for one in reader.batches[first:]} == {None}  # a later reading is no first load
    made.put(1, 3, APRIL)
    made.add_member(2, 9)
    made.end(3, APRIL)
    said = reader.read_all()

    assert [one.operation for one in said] == [Operation.UPSERT, Operation.UPSERT, Operation.END]
    assert min(one.revision for one in said) > max(one.revision for one in reader.events[:4])
    assert reader.held == {1: 3, 2: 2, 4: 2}
    assert reader.read_all() == []


def test_a_household_that_is_there_again_was_not_gone(made: Kampung, reader: Reading) -> None:
    """An END that was found by absence is taken back when the row shows that it was there all the time."""
    for serial in range(1, 5):
        made.put(serial, 2, MARCH)
    reader.read_all()
    made.end(1, MAY)
    reader.read_all()
    assert reader.held == {2: 2, 3: 2, 4: 2}
    made.put(1, 2, MARCH)
    reader.read_all()

    assert reader.held == {1: 2, 2: 2, 3: 2, 4: 2}


def test_a_table_that_is_suddenly_empty_ends_nobody(made: Kampung, reader: Reading) -> None:
    """Beyond the declared share a person is asked, and when the rows are back nothing has happened."""
    for serial in range(1, 5):
        made.put(serial, 2, MARCH)
    reader.read_all()
    made.owner.execute("delete from smart_kampung.keluarga where no_kk <> %s", (card(1),))
    with pytest.raises(SourceUnready, match="3 of 4 households are not there any more"):
        reader.read_all()
    for serial in range(2, 5):
        made.put(serial, 2, MARCH)
    reader.read_all()

    assert [one for one in reader.events if one.operation is Operation.END] == []
    assert reader.held == dict.fromkeys(range(1, 5), 2)


def test_a_row_without_a_key_may_be_anyones(made: Kampung, reader: Reading) -> None:
    """While a row's card cannot be read nobody is ended, since it may be theirs; once it is corrected, whoever is missing is."""
    for serial in range(1, 5):
        made.put(serial, 2, MARCH)
    reader.read_all()
    made.end(4, APRIL)
    made.owner.execute("update smart_kampung.keluarga set no_kk = 'x' where no_kk = %s", (card(1),))
    with pytest.raises(SourceUnready, match="2 households are not there any more, but 1 rows have no readable key"):
        reader.read_all()
    made.owner.execute("update smart_kampung.keluarga set no_kk = %s where no_kk = 'x'", (card(1),))
    reader.read_all()

    assert reader.held == dict.fromkeys(range(1, 4), 2)


def test_a_row_that_cannot_be_mapped_is_no_absence(made: Kampung, reader: Reading) -> None:
    """A household whose row has an unknown code is there; it is put aside, not ended."""
    for serial in range(1, 3):
        made.put(serial, 2, MARCH)
    reader.read_all()
    made.put(1, 3, MARCH, status_rumah="GUA")
    reader.read_all()

    assert len(reader.aside) == 1
    assert reader.held == {1: 2, 2: 2}


def test_a_rotation_of_keys_ends_only_who_is_gone(made: Kampung, tmp_path: Path) -> None:
    """Under both names those that are there are said again and nobody ends; who went while it was restarted ends, returns are returns."""
    made.owner.execute("drop publication muara")
    told = declared(made, tmp_path, ('capture = "log"', 'capture = "compare"\ngreatest_loss = 0.5'))
    for serial in range(1, 7):
        made.put(serial, 2, MARCH)
    with reading(told, made, tmp_path) as before:
        before.read_all()
        made.end(6, MAY)
        before.read_all()
    made.owner.execute("delete from smart_kampung.keluarga where no_kk = %s", (card(5),))
    made.put(6, 2, MARCH)
    with reading(told, made, tmp_path, rotated()) as window:
        said = window.read_all()
        assert window.read_all() == []
    events = [*before.events, *window.events]
    assert len([one for one in said if one.operation is Operation.END]) == 1
    assert held(events) == {1: 2, 2: 2, 3: 2, 4: 2, 6: 2}

    made.put(1, 3, APRIL)
    made.owner.execute("delete from smart_kampung.keluarga where no_kk = %s", (card(2),))
    with reading(told, made, tmp_path, Pseudonyms(NEW_KEY, 2)) as after:
        after.read_all()
    assert held([*events, *after.events]) == {1: 3, 3: 2, 4: 2, 6: 2}

"""The log's messages: each is read as PostgreSQL documents it, and whatever is not as documented is told, never passed over."""

import struct
from datetime import UTC, datetime

import pytest

from producers.sources.postgres.pgoutput import Begin, Commit, Decoder, LogUnreadable, RowChange, Truncated
from producers.sources.postgres.places import place_of

TABLE = "s.keluarga"
COLUMNS = ("no_kk", "ukuran", "catatan")
N, U = object(), object()


def text(value: str) -> bytes:
    """Return a name as the log writes it."""
    return value.encode() + b"\0"


def relation(columns: tuple[str, ...] = COLUMNS, name: str = "keluarga", number: int = 7) -> bytes:
    """Return the description of a table."""
    told = b"".join(b"\1" + text(column) + struct.pack(">Ii", 25, -1) for column in columns)
    return b"R" + struct.pack(">I", number) + text("s") + text(name) + b"f" + struct.pack(">H", len(columns)) + told


def row(*values: object) -> bytes:
    """Return a row; N is null, U a large value that was not touched."""
    parts = [b"n" if one is N else b"u" if one is U else b"t" + _counted(one) for one in values]
    return struct.pack(">H", len(values)) + b"".join(parts)


def _counted(value: object) -> bytes:
    content = value if isinstance(value, bytes) else str(value).encode()
    return struct.pack(">I", len(content)) + content


def change(kind: bytes, *parts: bytes, number: int = 7) -> bytes:
    """Return a change of a row."""
    return kind + struct.pack(">I", number) + b"".join(parts)


@pytest.fixture
def decoder() -> Decoder:
    """A decoder that knows the table; of its three columns all are wanted, of a row before an update the key."""
    made = Decoder({TABLE: frozenset(COLUMNS)}, {TABLE: frozenset({"no_kk"})})
    assert made.read(relation()) is None
    return made


def test_a_transaction_tells_its_commit(decoder: Decoder) -> None:
    """Begin tells place, time and number of the commit, Commit the place behind it."""
    begin = decoder.read(b"B" + struct.pack(">QqI", place_of("1/20"), 86_400_000_001, 731))
    commit = decoder.read(b"C" + struct.pack(">BQQq", 0, place_of("1/20"), place_of("1/50"), 0))

    assert begin == Begin(place_of("1/20"), datetime(2000, 1, 2, 0, 0, 0, 1, tzinfo=UTC), 731)
    assert commit == Commit(place_of("1/50"))


def test_an_inserted_row_is_told_with_its_nulls(decoder: Decoder) -> None:
    """Values come as text, nulls as None."""
    assert decoder.read(change(b"I", b"N", row("1", "4", N))) == RowChange(TABLE, "I", None, {"no_kk": "1", "ukuran": "4", "catatan": None})


def test_a_large_value_that_was_not_touched_is_the_old_rows(decoder: Decoder) -> None:
    """Under full identity it is taken from the row before; without it the column is missing, which is not null."""
    full = decoder.read(change(b"U", b"O", row("1", "3", "lama"), b"N", row("1", "4", U)))
    alone = decoder.read(change(b"U", b"N", row("1", "4", U)))

    assert isinstance(full, RowChange)
    assert full.new == {"no_kk": "1", "ukuran": "4", "catatan": "lama"}
    assert full.old == {"no_kk": "1"}
    assert isinstance(alone, RowChange)
    assert alone.new == {"no_kk": "1", "ukuran": "4"}
    assert alone.old is None


def test_a_key_alone_does_not_tell_nulls(decoder: Decoder) -> None:
    """Where only the key of the old row is logged, its other columns are unknown, not null."""
    deleted = decoder.read(change(b"D", b"K", row("1", N, N)))
    moved = decoder.read(change(b"U", b"K", row("1", N, N), b"N", row("2", "4", U)))

    assert deleted == RowChange(TABLE, "D", {"no_kk": "1"}, None)
    assert moved == RowChange(TABLE, "U", {"no_kk": "1"}, {"no_kk": "2", "ukuran": "4"})


def test_a_deleted_row_is_told_whole(decoder: Decoder) -> None:
    """Under full identity a deletion tells every column that is wanted."""
    assert decoder.read(change(b"D", b"O", row("1", "4", N))) == RowChange(TABLE, "D", {"no_kk": "1", "ukuran": "4", "catatan": None}, None)


def test_columns_that_nobody_wants_are_passed_over() -> None:
    """Names and addresses are not even decoded."""
    decoder = Decoder({TABLE: frozenset({"ukuran"})}, {})
    decoder.read(relation())
    told = decoder.read(change(b"I", b"N", row("1", "4", b"\xff\xfe")))

    assert isinstance(told, RowChange)
    assert told.new == {"ukuran": "4"}


def test_a_table_that_grew_is_described_again(decoder: Decoder) -> None:
    """After DDL the table is described anew, and rows have the new columns."""
    decoder.read(relation((*COLUMNS, "baru")))

    told = decoder.read(change(b"I", b"N", row("1", "4", N, "x")))
    assert isinstance(told, RowChange)
    assert told.new == {"no_kk": "1", "ukuran": "4", "catatan": None}


def test_other_tables_are_passed_over(decoder: Decoder) -> None:
    """A publication may hold more tables than are read."""
    decoder.read(relation(name="lain", number=8))

    assert decoder.read(change(b"I", b"N", row("1", "4", N), number=8)) is None
    assert decoder.read(b"T" + struct.pack(">IBI", 1, 0, 8)) is None


def test_emptied_tables_are_named(decoder: Decoder) -> None:
    """TRUNCATE tells which of our tables were emptied."""
    assert decoder.read(b"T" + struct.pack(">IBI", 1, 0, 7)) == Truncated((TABLE,))


def test_what_tells_nothing_is_known_and_passed_over(decoder: Decoder) -> None:
    """Origins, types and messages of programs are known, and are nothing to us."""
    assert [decoder.read(one) for one in (b"O" + b"\0" * 8 + text("x"), b"Y" + b"\0" * 4 + text("s") + text("t"), b"M")] == [None] * 3


def test_text_of_no_encoding_is_kept_for_the_mapping_to_judge(decoder: Decoder) -> None:
    """Bytes that are no UTF-8 spoil their own value, not the reading."""
    told = decoder.read(change(b"I", b"N", row("1", "4", b"\xff")))

    assert isinstance(told, RowChange)
    assert told.new is not None
    assert told.new["catatan"] == "\udcff"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"S" + b"\0" * 8,
        b"B\0\0",
        b"C",
        relation()[:-3],
        change(b"I", b"N", row("1", "4")),
        change(b"I", b"N", row("1", "4", "x"))[:-1],
        change(b"I", b"N", row("1", "4"), number=9),
        change(b"I", b"N", struct.pack(">H", 3) + b"x" * 20),
        change(b"U", b"X", row("1", "4", "x")),
    ],
)
def test_what_is_not_as_documented_is_told(decoder: Decoder, message: bytes) -> None:
    """Cut, unknown and contradictory messages are an error, whose text holds no value."""
    with pytest.raises(LogUnreadable):
        decoder.read(message)

"""
Rows of `household` as columns: read by name, written by place, new ones by COPY.

Why: a batch touches ten thousand rows; one Python object for each would cost more than the merge.
Must not: decide what a row is to hold, or commit.

A row is a household's, with all that was said of it; or that of a name that the household no longer goes by, which is empty and points
to the former. So whoever touches a household, under whatever name, reads or writes the same rows as everybody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from processors.columns.households import Halves
from processors.columns.names import LINK_BYTES, Links
from processors.columns.statements import STATEMENT, Packed
from processors.store.parameters import array_rows, bytea_array, copy_body, tid_array, uuid_array
from schemas.errors import Retriable

__all__ = ["Collided", "HeldRows", "Places", "read_places", "read_rows", "write_linked", "write_pointers", "write_statements"]


class Collided(Retriable):
    """another transaction touched the same rows ({why}): the batch is rolled back and tried again"""


@dataclass(frozen=True, slots=True)
class Places:
    """
    What is held of households most of which go by one name: name (rows, 2), place of the row (rows, 6), and the statements in their order.

    `counts` (rows,) statements of each; `pointers` how many of the rows say that the household goes by another name.
    """

    name: Halves
    place: NDArray[np.uint8]
    counts: NDArray[np.int64]
    statements: Packed
    pointers: int


@dataclass(frozen=True, slots=True)
class HeldRows:
    """
    What is held of names: name (rows, 2), place of the row (rows, 6), the name that it points to (rows, 2), its own where it does not.

    `counts` and `link_counts` (rows,) are the statements and links of each, which follow each other in `statements` and `links`.
    """

    name: Halves
    place: NDArray[np.uint8]
    points_to: Halves
    counts: NDArray[np.int64]
    statements: Packed
    link_counts: NDArray[np.int64]
    links: Links

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.name)

    @property
    def points(self) -> NDArray[np.bool_]:
        """Which rows point to another, shape (rows,)."""
        return np.asarray((self.points_to != self.name).any(axis=1))

    @classmethod
    def joined(cls, parts: Sequence["HeldRows"]) -> "HeldRows":
        """Return the rows of several readings."""
        names = ("name", "place", "points_to", "counts", "link_counts")
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        statements = np.frombuffer(b"".join([part.statements.tobytes() for part in parts]), STATEMENT)
        return cls(**columns, statements=statements, links=Links.joined([part.links for part in parts]))


async def read_places(cursor: psycopg.AsyncCursor, names: Halves) -> Places:
    """Read what is held of names (n, 2), in columns of raw bytes instead of a row each."""
    await cursor.execute(
        "select array_agg(id), array_agg(place), array_agg(length(statements)), string_agg(statements, ''), count(same_as)"
        " from (select id, ctid as place, statements, same_as from household where id = any(%s) offset 0) as held",
        (uuid_array(names),),
        prepare=True,
    )
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        return Places(_names(b""), np.empty((0, 6), np.uint8), np.empty(0, np.int64), np.empty(0, STATEMENT), 0)
    ids, places, lengths, statements, pointers = row
    return Places(_names(ids), array_rows(places, 6), _counts(lengths, STATEMENT.itemsize), np.frombuffer(statements, STATEMENT), pointers)


async def read_rows(cursor: psycopg.AsyncCursor, names: Halves) -> HeldRows:
    """Read the same, with what is said of names."""
    await cursor.execute(
        "select array_agg(id), array_agg(place), array_agg(coalesce(same_as, id)), array_agg(length(statements)),"
        " string_agg(statements, ''), array_agg(coalesce(length(links), 0)), coalesce(string_agg(links, ''), '')"
        " from (select id, ctid as place, statements, same_as, links from household where id = any(%s) offset 0) as held",
        (uuid_array(names),),
        prepare=True,
    )
    ids, places, points_to, lengths, statements, link_lengths, links = await cursor.fetchone() or ()
    return HeldRows(
        name=_names(ids or b""),
        place=array_rows(places or b"", 6),
        points_to=_names(points_to or b""),
        counts=_counts(lengths or b"", STATEMENT.itemsize),
        statements=np.frombuffer(statements or b"", STATEMENT),
        link_counts=_counts(link_lengths or b"", LINK_BYTES),
        links=Links.unpacked(links),
    )


def _names(parameter: bytes) -> Halves:
    return np.ascontiguousarray(array_rows(parameter, 16)).view(">u8").astype(np.uint64)


def _counts(parameter: bytes, width: int) -> NDArray[np.int64]:
    return np.ascontiguousarray(array_rows(parameter, 4)).view(">i4").ravel().astype(np.int64) // width


async def write_statements(
    cursor: psycopg.AsyncCursor,
    name: Halves,
    place: NDArray[np.uint8],
    is_there: NDArray[np.bool_],
    statements: Packed,
    counts: NDArray[np.int64],
) -> None:
    """
    Write what now stands of households (n, 2): into the row at its place (n, 6) where one is there (n,), else into a new one.

    `counts` (n,) are the statements of each, which follow each other in `statements`.
    """
    of_there = np.repeat(is_there, counts)
    if is_there.any():
        await cursor.execute(
            "update household set statements = new.statements from unnest(%s, %s) as new (place, statements)"
            " where household.ctid = new.place",
            (tid_array(place[is_there]), bytea_array(statements[of_there], counts[is_there])),
            prepare=True,
        )
        _must_be_all(cursor, is_there)
    if not is_there.all():
        async with cursor.copy("copy household (id, statements) from stdin (format binary)") as copy:
            await copy.write(copy_body(name[~is_there], statements[~of_there], counts[~is_there]))


async def write_linked(
    cursor: psycopg.AsyncCursor,
    name: Halves,
    place: NDArray[np.uint8],
    is_there: NDArray[np.bool_],
    statements: tuple[Packed, NDArray[np.int64]],
    links: tuple[Links, NDArray[np.int64]],
) -> None:
    """Write what now stands of households with links, likewise: statements and links each with their counts (n,), none of them 0."""
    said, counts = statements
    packed, link_counts = links[0].packed(), links[1]
    for there in (True, False):
        some = is_there == there
        if not some.any():
            continue
        content = (
            bytea_array(said[np.repeat(some, counts)], counts[some]),
            bytea_array(packed[np.repeat(some, link_counts)], link_counts[some]),
        )
        if there:
            await cursor.execute(
                "update household set statements = new.statements, same_as = null, links = new.links"
                " from unnest(%s, %s, %s) as new (place, statements, links) where household.ctid = new.place",
                (tid_array(place[some]), *content),
                prepare=True,
            )
            _must_be_all(cursor, some)
        else:
            await cursor.execute(
                "insert into household (id, statements, links) select * from unnest(%s, %s, %s)",
                (uuid_array(name[some]), *content),
                prepare=True,
            )


async def write_pointers(
    cursor: psycopg.AsyncCursor, name: Halves, place: NDArray[np.uint8], is_there: NDArray[np.bool_], points_to: Halves
) -> None:
    """Let the rows of names (n, 2) say by which name (n, 2) their household goes now, and hold nothing else."""
    if is_there.any():
        await cursor.execute(
            "update household set statements = '', same_as = new.points_to, links = null from unnest(%s, %s) as new (place, points_to)"
            " where household.ctid = new.place",
            (tid_array(place[is_there]), uuid_array(points_to[is_there])),
            prepare=True,
        )
        _must_be_all(cursor, is_there)
    if not is_there.all():
        await cursor.execute(
            "insert into household (id, statements, same_as) select name, '', points_to from unnest(%s, %s) as new (name, points_to)",
            (uuid_array(name[~is_there]), uuid_array(points_to[~is_there])),
            prepare=True,
        )


def _must_be_all(cursor: psycopg.AsyncCursor, rows: NDArray[np.bool_]) -> None:
    """Refuse that a row moved although the snapshot is fixed: never seen, and never to be passed over."""
    if cursor.rowcount != int(rows.sum()):
        raise Collided(why="a household's row moved")

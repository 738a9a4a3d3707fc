"""Arrays as PostgreSQL's own bytes: what goes in comes out, whatever the values, and what does not fit is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.embedded import EmbeddedServices
from processors.columns.statements import STATEMENT
from processors.store.connection import connect_worker
from processors.store.parameters import array_rows, bytea_array, copy_body, int4_array, int8_array, tid_array, uuid_array

Ask = Callable[[Callable[[psycopg.AsyncCursor[Any]], Awaitable[Any]]], Any]
_HOUSEHOLDS = st.lists(st.binary(min_size=16, max_size=16), max_size=20)
_GROUPS = st.lists(st.lists(st.binary(min_size=STATEMENT.itemsize, max_size=STATEMENT.itemsize), min_size=1, max_size=4), max_size=8)


@pytest.fixture(scope="module")
def ask(services: EmbeddedServices) -> Ask:
    """Return how to ask PostgreSQL something on a worker's connection."""

    def run(work: Callable[[psycopg.AsyncCursor[Any]], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            connection = await connect_worker(services.addresses.database)
            async with connection, connection.cursor(binary=True) as cursor:
                return await work(cursor)

        return asyncio.run(connected())

    return run


def halves(households: list[bytes]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return households as halves (n, 2)."""
    return np.frombuffer(b"".join(households), ">u8").astype(np.uint64).reshape(-1, 2)


def rows_of(groups: list[list[bytes]]) -> tuple[np.ndarray[Any, np.dtype[np.void]], np.ndarray[Any, np.dtype[np.int64]]]:
    """Return groups of packed rows end to end, and how many each has."""
    return np.frombuffer(b"".join(b"".join(group) for group in groups), STATEMENT), np.array([len(group) for group in groups], np.int64)


async def row(cursor: psycopg.AsyncCursor[Any], query: str, *parameters: object) -> tuple[Any, ...]:
    """Return the one row of a query."""
    await cursor.execute(query, parameters)
    found = await cursor.fetchone()
    assert found is not None
    return tuple(found)


@given(_HOUSEHOLDS, st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20))
@settings(max_examples=15, deadline=None)
def test_numbers_and_households_arrive(ask: Ask, households: list[bytes], longs: list[int], ints: list[int]) -> None:
    """uuid[], bigint[] and integer[] are read by PostgreSQL as what they were, empty ones too."""

    async def work(cursor: psycopg.AsyncCursor[Any]) -> None:
        parameters = uuid_array(halves(households)), int8_array(np.array(longs, np.int64)), int4_array(np.array(ints, np.int64))
        found = await row(cursor, "select (%s)::text, (%s)::text, (%s)::text", *parameters)
        assert found == (
            "{" + ",".join(str(UUID(bytes=one)) for one in households) + "}",
            "{" + ",".join(map(str, longs)) + "}",
            "{" + ",".join(map(str, ints)) + "}",
        )

    ask(work)


@given(_GROUPS)
@settings(max_examples=15, deadline=None)
def test_groups_of_rows_arrive(ask: Ask, groups: list[list[bytes]]) -> None:
    """bytea[] holds one element per group, its rows end to end."""

    async def work(cursor: psycopg.AsyncCursor[Any]) -> None:
        (found,) = await row(
            cursor, "select coalesce(array_agg(encode(one, 'hex')), '{}') from unnest(%s) as one", bytea_array(*rows_of(groups))
        )
        assert [b"".join(group).hex() for group in groups] == found

    ask(work)


@given(_GROUPS)
@settings(max_examples=15, deadline=None)
def test_copied_rows_are_found_by_place_and_come_back(ask: Ask, groups: list[list[bytes]]) -> None:
    """Rows go in by COPY, come back as raw arrays, and their places find exactly them again."""
    households = [bytes([number] * 16) for number in range(len(groups))]

    async def work(cursor: psycopg.AsyncCursor[Any]) -> None:
        await cursor.execute("create temporary table if not exists one (id uuid, statements bytea)")
        async with cursor.copy("copy one (id, statements) from stdin (format binary)") as copy:
            await copy.write(copy_body(halves(households), *rows_of(groups)))
        ids, places, lengths, statements = await row(
            cursor,
            "select coalesce(array_agg(id), '{}'), coalesce(array_agg(ctid), '{}'), coalesce(array_agg(length(statements)), '{}'),"
            " coalesce(string_agg(statements, ''), '') from one",
        )
        assert households == [one.tobytes() for one in array_rows(ids, 16)]
        assert [STATEMENT.itemsize * len(group) for group in groups] == [
            int.from_bytes(one.tobytes(), "big") for one in array_rows(lengths, 4)
        ]
        assert b"".join(b"".join(group) for group in groups) == bytes(statements)
        (found,) = await row(
            cursor, "select count(*) from unnest(%s) as place join one on one.ctid = place", tid_array(array_rows(places, 6))
        )
        assert found == len(groups)

    ask(work)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_what_does_not_fit_32_bits_is_refused(value: int) -> None:
    """A number that an integer[] cannot hold is never cut."""
    with pytest.raises(OverflowError):
        int4_array(np.array([0, value], np.int64))


def test_a_workers_connection_is_as_the_batch_wants_it(ask: Ask) -> None:
    """REPEATABLE READ, synchronous commits, five seconds of idleness in a transaction, pinned plans."""

    async def work(cursor: psycopg.AsyncCursor[Any]) -> None:
        async with cursor.connection.transaction():
            assert await row(cursor, "select current_setting('transaction_isolation')") == ("repeatable read",)
        names = ("idle_in_transaction_session_timeout", "synchronous_commit", "plan_cache_mode")
        found = [(await row(cursor, "select current_setting(%s)", name))[0] for name in names]
        assert found == ["5s", "on", "force_generic_plan"]

    ask(work)

"""Schemas are asked for in a thread, twice before one is refused, and for no longer than a batch may wait."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from processors import known_schemas
from processors.known_schemas import Answers, KnownSchemas, SchemaUnasked
from schemas.codec import UnknownSchema
from schemas.errors import Retriable

GUID = UUID(int=7)


class Away(Retriable):
    """away"""


class Registry:
    """Has the schemas 1 and 2 and a GUID, and 3 only from the second time on; 4 is not there, 5 hangs, at 6 it is away."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked: list[int | UUID] = []

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Answer by the id alone."""
        self.asked.append(schema_id)
        if schema_id == 5:
            time.sleep(0.5)
        if schema_id == 6:
            raise Away
        if schema_id >= 4 or (schema_id == 3 and self.asked.count(3) < 2):
            raise UnknownSchema(schema=schema_id)
        return {"name": schema_id}

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Answer."""
        self.asked.append(guid)
        return {"name": guid}


def asked(known: KnownSchemas, *turns: Sequence[int | UUID]) -> list[Answers]:
    """Ask for schemas, one turn after the other."""

    async def play() -> list[Answers]:
        return [await known.ask(wanted) for wanted in turns]

    return asyncio.run(play())


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for less than a second."""
    monkeypatch.setattr(known_schemas, "_ASKED_S", 0.2)
    monkeypatch.setattr(known_schemas, "_AGAIN_S", 0.01)


def test_what_is_known_is_not_asked_again_and_what_is_not_is_never_asked_here() -> None:
    """Before it was asked for, a schema is waited for; then it is known, by id as by GUID."""
    registry = Registry()
    known = KnownSchemas(registry)
    with pytest.raises(SchemaUnasked, match="schema 1 is not known here yet"):
        known.by_id(1)
    assert asked(known, [1, GUID], [1, GUID]) == [Answers({}), Answers({})]

    assert (known.by_id(1), known.by_guid(GUID)) == ({"name": 1}, {"name": GUID})
    assert registry.asked == [1, GUID]


def test_a_schema_is_refused_when_it_is_not_there_twice_and_only_for_now() -> None:
    """A replica that lags has it the second time; a refusal is not remembered: the next batch asks again."""
    registry = Registry()
    known = KnownSchemas(registry)
    assert [list(answers.refused) for answers in asked(known, [3, 4], [3, 4])] == [[4], [4]]
    assert 3 in known
    assert registry.asked.count(4) == 4


def test_a_registry_that_is_away_is_told_and_what_it_said_before_is_kept() -> None:
    """The first schema is known, the others are neither known nor refused."""
    known = KnownSchemas(Registry())
    (answers,) = asked(known, [1, 6, 2])

    assert isinstance(answers.away, Away)
    assert not answers.refused
    assert [key in known for key in (1, 6, 2)] == [True, False, False]


def test_a_registry_that_hangs_holds_nobody_up() -> None:
    """The event loop goes on, whoever asks waits for a moment only, and is told when the answer is there."""

    async def play() -> None:
        known = KnownSchemas(Registry())
        began = time.monotonic()
        ticks = asyncio.create_task(_count_until(began + 0.3))
        assert (await known.ask([5, 1])).refused == {}
        assert (await known.ask([1])).refused == {}  # another lane, meanwhile
        assert await ticks > 20
        await asyncio.sleep(max(0.0, began + 0.7 - time.monotonic()))
        assert (await known.ask([1])).away is None
        assert 1 in known

    asyncio.run(play())


async def _count_until(until: float) -> int:
    count = 0
    while time.monotonic() < until:
        await asyncio.sleep(0.005)
        count += 1
    return count


def test_random_ids_are_asked_for_in_portions_and_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones of many are asked for, and only the newest answers are kept."""
    monkeypatch.setattr(known_schemas, "_REMEMBERED", 60)
    registry = Registry()
    monkeypatch.setattr(registry, "by_id", lambda number: {"name": number})
    known = KnownSchemas(registry)
    asked(known, range(500), range(1_000, 1_500))

    assert [number in known for number in (0, 39, 40, 49, 50, 1_000, 1_049, 1_050)] == [False, False, True, True, False, True, True, False]


def test_a_slow_registry_that_knows_none_of_many_schemas_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the first round of many would take, some are asked for twice and refused, so their partition goes on."""
    registry = Registry()
    answer = registry.by_id

    def slowly(number: int) -> dict[str, Any]:
        time.sleep(0.02)
        return answer(number)

    monkeypatch.setattr(registry, "by_id", slowly)
    several = asked(KnownSchemas(registry), *[range(10, 60)] * 5)

    assert any(10 in answers.refused for answers in several)


def test_an_answer_that_comes_too_late_is_told_to_who_asks_next_while_it_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of which one waits in vain is away, for whoever asks; an old answer is none, since the schema may be there by now."""
    registry = Registry()
    monkeypatch.setattr(known_schemas, "_FRESH_S", 0.4)

    def vainly(_: int) -> dict[str, Any]:
        time.sleep(0.3)
        raise Away

    monkeypatch.setattr(registry, "by_id", vainly)
    known = KnownSchemas(registry)

    async def play() -> list[bool]:
        told = [(await known.ask([1])).away, (await known.ask([1])).away, (await known.ask([1])).away]
        await asyncio.sleep(0.6)
        monkeypatch.setattr(registry, "by_id", lambda number: {"name": number})
        return [one is not None for one in (*told, (await known.ask([1])).away)]

    assert asyncio.run(play()) == [False, True, False, False]
    assert 1 in known

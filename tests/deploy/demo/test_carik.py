"""Tests of Carik's interface over real HTTP: tokens, pages and bad days."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from deploy.demo.carik import CarikServer, Troubles
from deploy.demo.simulation import World
from processors.law import kept
from tests.deploy.demo.replay import carik_statements, told_by_carik
from tests.deploy.demo.served import TOKEN_FORM, bearer, read_all, served

PEACE = Troubles(busy_every=0, away_every=0, back_every=0, uses_of_token=10_000)
CHANGES = "/api/v1/perubahan"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A small world with some history."""
    made = World(tmp_path_factory.mktemp("inbox"), seed=1, households=150, elsewhere=60, pace=500)
    made.advance(300)
    made.flush()
    return made


class Seconds:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.now = 0.0

    def __call__(self) -> float:
        """Return the seconds passed."""
        return self.now


def spoken(world: World, troubles: Troubles, talk: Callable[[ClientSession], Awaitable[None]], seconds: Seconds | None = None) -> None:
    """Let a client talk with a server over a world."""

    async def play() -> None:
        app = web.Application()
        CarikServer(world.carik, world.people, troubles, seconds or Seconds()).add_to(app)
        async with served(app) as client:
            await talk(client)

    asyncio.run(play())


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_patient_reader_gets_everything(world: World, size: int) -> None:
    """Through busy and absent servers, expired tokens and pages that come again, nothing is lost, whatever the page's size."""

    async def talk(client: ClientSession) -> None:
        buildings, statuses = await read_all(client, size)
        said = carik_statements(buildings)
        wanted = carik_statements(told_by_carik(world))

        assert {card: set(statements) for card, statements in said.items()} == {card: set(told) for card, told in wanted.items()}
        if size < 10:
            assert Counter(statuses).keys() == {200, 401, 429, 503}

    spoken(world, Troubles(busy_every=7, away_every=11, back_every=5, uses_of_token=13), talk)


@pytest.mark.parametrize("size", [7, 1_000])
def test_all_families_and_then_the_changes_amount_to_everything(tmp_path: Path, size: int) -> None:
    """Read while life goes on, and joined to the changes from where they stood at first: each day's newest word of every family."""
    moving = World(tmp_path, seed=2, households=150, elsewhere=60, pace=500)
    moving.advance(200)
    buildings: list[dict[str, Any]] = []

    async def talk(client: ClientSession) -> None:
        header, query = await bearer(client), {"batas": str(size)}
        told: dict[str, Any] = {"masih_ada": True}
        since = None
        while told["masih_ada"]:
            async with client.get("/api/v1/keluarga", params=query, headers=header) as answer:
                told = await answer.json()
            buildings.extend(told["data"])
            since = since or told["perubahan_sejak"]
            query["setelah"] = str(told["berikutnya"])
            moving.advance(20)
        moving.flush()
        query, more = {"batas": "1000", "sejak": str(since)}, True
        while more:
            async with client.get("/api/v1/perubahan", params=query, headers=header) as answer:
                told = await answer.json()
            buildings.extend(told["data"])
            query["sejak"], more = told["berikutnya"], told["masih_ada"]

    spoken(moving, PEACE, talk)

    said, wanted = carik_statements(buildings), carik_statements(told_by_carik(moving))
    assert {card: set(kept(told)) for card, told in said.items()} == {card: set(kept(told)) for card, told in wanted.items()}
    assert sum(map(len, said.values())) < 2 * sum(map(len, wanted.values()))


def test_how_many_records_there_are_is_told(world: World) -> None:
    """While life stands still, every page tells the number that all pages have together."""

    async def talk(client: ClientSession) -> None:
        header, query = await bearer(client), {"batas": "40"}
        told: dict[str, Any] = {"masih_ada": True}
        buildings: list[dict[str, Any]] = []
        totals = set()
        while told["masih_ada"]:
            async with client.get("/api/v1/keluarga", params=query, headers=header) as answer:
                told = await answer.json()
            buildings.extend(told["data"])
            totals.add(told["jumlah"])
            query["setelah"] = str(told["berikutnya"])
        assert totals == {sum(map(len, carik_statements(buildings).values()))}

    spoken(world, PEACE, talk)


def test_pages_overlap_at_their_cursor(world: World) -> None:
    """A page begins with the moment that the one before ended with: the cursor is inclusive."""

    async def talk(client: ClientSession) -> None:
        header = await bearer(client)
        async with client.get(CHANGES, params={"batas": "10"}, headers=header) as answer:
            first = await answer.json()
        async with client.get(CHANGES, params={"batas": "10", "sejak": first["berikutnya"]}, headers=header) as answer:
            second = await answer.json()

        assert max(moments(first)) == first["berikutnya"] == min(moments(second))
        assert first["masih_ada"] is True

    spoken(world, PEACE, talk)


def moments(page: dict[str, Any]) -> list[str]:
    """Return the change times of a page's families."""
    return [
        family["diubah_pada"] for building in page["data"] for household in building["rumah_tangga"] for family in household["keluarga"]
    ]


def test_a_page_may_come_again_and_then_goes_on(world: World) -> None:
    """On a bad day the cursor leads back to the page's own beginning, once; asked again, the server goes on."""

    async def talk(client: ClientSession) -> None:
        header, pages = await bearer(client), []
        query = {"batas": "20"}
        for _ in range(3):
            async with client.get(CHANGES, params=query, headers=header) as answer:
                pages.append(await answer.json())
                query["sejak"] = pages[-1]["berikutnya"]

        assert pages[1]["berikutnya"] == pages[0]["berikutnya"]
        assert pages[2]["data"] == pages[1]["data"]
        assert pages[2]["berikutnya"] > pages[1]["berikutnya"]

    spoken(world, Troubles(busy_every=0, away_every=0, back_every=2, uses_of_token=100), talk)


def test_at_the_end_a_reader_can_wait_for_more(world: World) -> None:
    """From the newest cursor the last moment comes again, with the same cursor, and nothing more is there."""

    async def talk(client: ClientSession) -> None:
        newest = world.standing().newest_cursor or ""
        async with client.get(CHANGES, params={"sejak": newest}, headers=await bearer(client)) as answer:
            told = await answer.json()

        assert (told["berikutnya"], told["masih_ada"]) == (newest, False)
        assert set(moments(told)) == {newest}

    spoken(world, PEACE, talk)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({**TOKEN_FORM, "client_secret": "guessed"}, 401),
        ({**TOKEN_FORM, "client_id": "somebody"}, 401),
        ({**TOKEN_FORM, "grant_type": "password"}, 400),
        ({}, 400),
        (TOKEN_FORM, 200),
    ],
)
def test_only_client_credentials_get_a_token(world: World, form: dict[str, str], status: int) -> None:
    """Wrong credentials are refused with 401, another grant with 400."""

    async def talk(client: ClientSession) -> None:
        async with client.post("/oauth/token", data=form) as answer:
            told = await answer.json()
            assert answer.status == status
            assert ("access_token" in told) == (status == 200)
            if status == 200:
                assert (told["token_type"], told["expires_in"]) == ("Bearer", 300)

    spoken(world, PEACE, talk)


def test_a_token_expires(world: World) -> None:
    """Without a token, with an invented one, and after five minutes the answer is 401."""
    seconds = Seconds()

    async def talk(client: ClientSession) -> None:
        header = await bearer(client)
        assert [await status(client, one) for one in ({}, {"Authorization": "Bearer guessed"}, header)] == [401, 401, 200]
        seconds.now = 299.0
        assert await status(client, header) == 200
        seconds.now = 300.0
        assert await status(client, header) == 401
        assert await status(client, await bearer(client)) == 200

    spoken(world, PEACE, talk, seconds)


def test_a_token_may_be_withdrawn_early(world: World) -> None:
    """After so many uses a token is no longer valid, whatever its time."""

    async def talk(client: ClientSession) -> None:
        header = await bearer(client)
        assert [await status(client, header) for _ in range(4)] == [200, 200, 200, 401]

    spoken(world, Troubles(busy_every=0, away_every=0, back_every=0, uses_of_token=3), talk)


async def status(client: ClientSession, header: dict[str, str]) -> int:
    """Return the status of a small question."""
    async with client.get(CHANGES, params={"batas": "1"}, headers=header) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("name", "value"), [("batas", "0"), ("batas", "1001"), ("batas", "many"), ("sejak", "yesterday"), ("sejak", "2024-04-01T00:00:00")]
)
def test_a_wrong_question_is_refused(world: World, name: str, value: str) -> None:
    """Page sizes beyond 1 to 1000 and cursors that are no moment with a time zone get 400."""

    async def talk(client: ClientSession) -> None:
        async with client.get(CHANGES, params={name: value}, headers=await bearer(client)) as answer:
            assert answer.status == 400

    spoken(world, PEACE, talk)


def test_records_have_the_shape_of_the_protocol(world: World) -> None:
    """Buildings hold households hold families; sizes, amounts and the three operations are said as agreed."""
    families = []
    for building in told_by_carik(world):
        assert building.keys() == {"kode_bangunan", "kode_kelurahan", "dasawisma", "alamat", "rumah_tangga"}
        assert len({household["no_urut"] for household in building["rumah_tangga"]}) == len(building["rumah_tangga"])
        for household in building["rumah_tangga"]:
            assert household.keys() >= {"no_urut", "luas_lantai", "jenis_lantai", "kloset", "limbah", "status_rumah", "keluarga"}
            families += household["keluarga"]
    operations = Counter((family["dihapus"], family["dibatalkan"]) for family in families)
    members = [member for family in families for member in family["anggota"] or []]
    aid = [one for family in families for one in family["bantuan"] or []]

    assert operations.keys() == {(False, False), (True, False), (False, True)}
    assert {member["kehadiran"] for member in members} == {"ADA", "MENINGGAL", "PINDAH"}
    assert {member["hubungan"] for member in members} == {"KEPALA", "ISTRI", "ANAK", "LAIN"}
    assert {one["program"] for one in aid} == {"PKH", "BPNT"}
    for family in families:
        assert family.keys() == {"no_kk", "diubah_pada", "berlaku_sejak", "dihapus", "dibatalkan", "pengeluaran", "anggota", "bantuan"}
        if family["anggota"]:
            assert [member["hubungan"] for member in family["anggota"]].count("KEPALA") == 1
        if family["dihapus"] or family["dibatalkan"]:
            assert (family["pengeluaran"], family["anggota"], family["bantuan"]) == (None, None, None)


def test_the_interface_knows_nothing_of_the_control(world: World, tmp_path: Path) -> None:
    """Carik's own routes are three; the demo's hand is not among them."""
    app = web.Application()
    CarikServer(world.carik, world.people, PEACE, Seconds()).add_to(app)

    assert {route.resource.canonical for route in app.router.routes() if route.resource} == {"/oauth/token", CHANGES, "/api/v1/keluarga"}

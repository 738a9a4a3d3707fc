"""What a person mistyped of a feed: it loses nothing, is told with what helps, and one odd part of a page holds nobody up."""

import json
from typing import Any

import pytest

from producers.faults import SourceAway
from tests.producers.samples import family
from tests.producers.sources.test_rest import Answer, at, kept, page, reader, serving


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ("hasil.keluarg[]", "no hasil.keluarg in its answer"),
        ("hsil.keluarga[]", "no hsil in its answer"),
        ("hasil.jumlah[]", "hasil.jumlah in its answer is no list"),
    ],
)
def test_a_path_that_leads_nowhere_is_waited_for(records: str, told: str) -> None:
    """A mistyped path takes nothing from a page and moves no position: mended, the same page is read from where it was."""
    body = {"hasil": {"keluarga": [family(1, at(1)), family(2, at(2))], "jumlah": 2}, "berikutnya": at(2), "masih_ada": False}
    with serving((200, {}, json.dumps(body).encode())) as (address, _):
        feed = reader(address, changed={"records": records})
        for position in (None, at(1)):
            with pytest.raises(SourceAway) as caught:
                feed.read(position)
            assert caught.value.facts["why"] == told
        feed.close()


def test_an_empty_list_leads_somewhere() -> None:
    """A page without a record whose list is there says that nothing is there; a building without families is none that cannot be read."""
    for data in ([], [{"kode_kelurahan": "x", "rumah_tangga": []}], [{"kode_kelurahan": "x", "rumah_tangga": [{"keluarga": []}]}]):
        body = {"data": data, "berikutnya": at(2), "masih_ada": False}
        with serving((200, {}, json.dumps(body).encode())) as (address, _):
            feed = reader(address)
            batch = feed.read(None)
            feed.close()
        assert (batch.events, batch.aside, batch.position) == ([], [], at(2))


def test_an_odd_part_alone_is_put_aside_only_where_the_path_led_somewhere() -> None:
    """Of a path known to be right one odd building is put aside; without a page that proves it right, and of many, it is waited out."""
    odd: list[dict[str, Any]] = [{"kode_kelurahan": str(number), "rumah_tanga": []} for number in range(4)]
    pages: list[Answer] = [
        (200, {}, json.dumps({"data": odd[:number], "berikutnya": at(number), "masih_ada": False}).encode()) for number in range(1, 5)
    ]
    with serving(pages[0], page(family(1, at(1)), cursor=at(1)), pages[0], pages[3]) as (address, _):
        feed = reader(address)
        with pytest.raises(SourceAway, match=r"no data\.rumah_tangga in its answer"):
            feed.read(None)
        kept(feed.read(None))
        one = feed.read(at(1))
        with pytest.raises(SourceAway, match=r"no data\.rumah_tangga in its answer"):
            feed.read(at(1))
        feed.close()

    assert [(aside.field, aside.cause) for aside in one.aside] == [("rumah_tangga[]", "is missing")]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://user:geheim@127.0.0.1:1/v1?key=geheim", "ConnectError at http://127.0.0.1:1/v1: does the source run, "),
    ],
)
def test_an_address_where_nothing_answers_is_told_with_what_helps(address: str, told: str) -> None:
    """Address and remedy stand beside the cause; what an address may hold of a secret does not."""
    feed = reader(address, changed={"token": None})
    with pytest.raises(SourceAway) as caught:
        feed.read(None)
    feed.close()

    assert caught.value.told.startswith(told)
    assert "geheim" not in caught.value.told


@pytest.mark.parametrize(
    ("code", "told"),
    [(404, ": is url right, with changes and snapshot.path behind it?"), (401, ": it wants credentials: declare [source.token]")],
)
def test_an_answer_that_waits_for_a_person_says_for_what(code: int, told: str) -> None:
    """What does not pass by itself is told with what a person can do."""
    with serving((code, {}, b"")) as (address, _):
        feed = reader(address, changed={"token": None})
        with pytest.raises(SourceAway) as caught:
            feed.read(None)
        feed.close()

    assert caught.value.told == f"HTTP {code} at {address}{told}"

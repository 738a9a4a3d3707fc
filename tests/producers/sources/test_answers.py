"""Answers that are too large, or packed as nobody asked for, end at a bound; what comes after them is read."""

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest

from producers.declaration.rest import Page
from producers.faults import SourceAway
from tests.producers.samples import family
from tests.producers.sources.test_rest import Answer, at, page, read_all, reader, serving

_LEAST = Page(parameter="batas", size=3, most_mb=1)


def packed(answer: Answer, way: str = "gzip", cut: int = 0) -> Answer:
    """Return an answer packed by gzip, under the name of a way, maybe without its last bytes."""
    code, headers, body = answer
    whole = gzip.compress(body)
    return code, {**headers, "Content-Encoding": way}, whole[: len(whole) - cut]


def refused(answer: Answer, **changed: Any) -> SourceAway:
    """Return the fault that an answer is; the next one is read."""
    with serving(answer, page(family(1, at(1)), cursor=at(1))) as (address, _):
        feed = reader(address, changed={"page": _LEAST, **changed})
        with pytest.raises(SourceAway) as fault:
            feed.read(None)
        revisions, _ = read_all(feed)
        feed.close()
    assert len(revisions) == 1
    return fault.value


def test_a_packed_answer_is_read() -> None:
    """An answer packed as was asked for is like any other."""
    with serving(packed(page(family(1, at(1)), family(2, at(2)), cursor=at(2)))) as (address, _):
        feed = reader(address)
        revisions, _ = read_all(feed)
        feed.close()

    assert len(revisions) == 2


def test_an_answer_that_unpacks_to_very_much_ends_at_the_bound() -> None:
    """Some kilobytes that unpack to 300 MB take the memory of the bound, and what helps is told."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    body = b"".join(bomb.compress(b" " * (1 << 20)) for _ in range(300)) + bomb.flush()
    tracemalloc.start()
    fault = refused((200, {"Content-Encoding": "gzip"}, body))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "larger than 1 MB" in str(fault)
    assert "page.size" in fault.told
    assert peak < 40 << 20


def test_a_source_that_ignores_how_much_was_asked_for_is_told() -> None:
    """A page of some thousand families where three were asked for is refused, not read."""
    told = page(*(family(serial, at(serial % 60)) for serial in range(1, 4_000)), cursor=at(59))
    assert len(told[2]) > 1 << 20

    assert "larger than 1 MB" in str(refused(told))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (packed(page(), "br"), "packed in a way that was not asked for"),
        (packed(page(), cut=6), "ends before its end"),
        ((200, {"Content-Encoding": "gzip"}, b'{"data": []}'), "cannot be unpacked"),
    ],
)
def test_what_cannot_be_unpacked_is_asked_for_again(answer: Answer, why: str) -> None:
    """An answer that is not packed as it says, or is cut, is none."""
    assert why in str(refused(answer))


def test_a_token_that_never_ends_is_none() -> None:
    """The answer with a token has a bound of its own."""
    endless = json.dumps({"access_token": "t" * (2 << 20), "expires_in": 300}).encode()
    with serving(page(), token=endless) as (address, asked):
        feed = reader(address)
        with pytest.raises(SourceAway, match="larger than 1 MB"):
            feed.read(None)
        feed.close()

    assert asked == []

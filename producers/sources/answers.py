"""
Answers over HTTP, read to their end or to a bound, whichever comes first.

Why: a source that ignores how much was asked for, or packs a thousand times as much as it sends, would end the adapter, again and again.
Must not: unpack more than the bound; judge what an answer says.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2

__all__ = ["Answer", "AnswerUnreadable", "asked"]

_GZIP = 16 + zlib.MAX_WBITS
"""zlib's word for a stream that begins as a gzip file does."""
_PLAIN = ("", "identity")


class AnswerUnreadable(Exception):  # noqa: N818 - it says what the answer is
    """An answer that is too large, or not packed as was asked for; told as what is wrong, with what helps."""

    def __init__(self, why: str, remedy: str = "") -> None:
        """Say what is wrong, and what helps."""
        super().__init__(why)
        self.why, self.remedy = why, remedy


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether it is what was asked for."""
        return HTTPStatus.OK <= self.status_code < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:  # noqa: ANN401 - JSON
        """Return its JSON; raises `ValueError`, `RecursionError`."""
        return json.loads(self.content)


def asked(client: httpx2.Client, method: str, path: str, most: int, **what: Any) -> Answer:  # noqa: ANN401 - what httpx takes
    """Ask, and return an answer of at most so many bytes unpacked; raises `AnswerUnreadable`, or httpx2's own errors."""
    headers = {**(what.pop("headers", None) or {}), "Accept-Encoding": "gzip"}
    with client.stream(method, path, headers=headers, **what) as answer:
        packed = answer.headers.get("Content-Encoding", "").strip().lower()
        return Answer(answer.status_code, answer.headers, _whole(answer.iter_raw(), packed, most))


def _whole(pieces: Iterable[bytes], packed: str, most: int) -> bytes:
    """Return all pieces, unpacked, as long as they are no more than `most` bytes."""
    if packed not in (*_PLAIN, "gzip"):
        raise AnswerUnreadable("its answer is packed in a way that was not asked for")
    unpacking = zlib.decompressobj(_GZIP) if packed == "gzip" else None
    found = bytearray()
    for piece in pieces:
        left = most + 1 - len(found)
        try:
            found += piece[:left] if unpacking is None else unpacking.decompress(piece, left)
        except zlib.error:
            raise AnswerUnreadable("its answer cannot be unpacked") from None
        if len(found) > most:
            raise AnswerUnreadable(
                f"an answer is larger than {most >> 20} MB", "lower page.size, or raise page.most_mb, in the region file"
            )
    if unpacking is not None and found and not unpacking.eof:
        raise AnswerUnreadable("its answer ends before its end")
    return bytes(found)

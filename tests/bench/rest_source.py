"""
A source over HTTP made for speed, in a process of its own: `python -m tests.bench.rest_source FAMILIES REGENCY...` prints its port.

Why: what is measured is the adapter, so its source must take next to nothing, and know when each change happened.
Must not: tell a change before its time, or a family twice in a snapshot.

It speaks Carik's protocol: `/api/v1/keluarga` is a snapshot of all families; `/api/v1/perubahan` the changes, those of `POST /past?count=N`
all at once, then those that happen from `POST /live?rate=R` to `POST /still` at R a second. A change's `diubah_pada` is when it happened.
"""

import json
import socket
import sys
import time
from datetime import UTC, datetime

from aiohttp import web

from tests.bench.cards import card_of
from tests.producers.samples import building, family, member

__all__ = ["Source"]

_MARK, _AT = "KARTU", "WAKTU"
_KINDS = 400
"""Different families, in turn; each in a building of its own."""
_STEP_US = 10_000
"""Microseconds between two changes of the past."""


class Source:
    """All families, and the changes of some of them."""

    def __init__(self, families: int, regencies: list[str]) -> None:
        """Make what every answer is put together from."""
        self._families = families
        self._parts = [_parts(one, regencies) for one in range(_KINDS)]
        self._begun_us = self._live_us = _now_us()
        self._still_us: int | None = self._live_us
        self._past, self._rate = 0, 1.0

    async def token(self, _: web.Request) -> web.Response:
        """Give a token to everybody."""
        return web.json_response({"access_token": "t", "expires_in": 3_600})

    async def families(self, request: web.Request) -> web.Response:
        """Answer the families behind a number, and where the changes stand."""
        begin, limit = int(request.query.get("setelah", 0)), int(request.query["batas"])
        end = min(begin + limit, self._families)
        told: dict[str, object] = {
            "berikutnya": end,
            "masih_ada": end < self._families,
            "jumlah": self._families,
            "perubahan_sejak": _text(_now_us()),
        }
        return self._answer([(number, self._begun_us - self._families + number) for number in range(begin, end)], told)

    async def changes(self, request: web.Request) -> web.Response:
        """Answer the changes from a moment on that have happened by now."""
        since, limit = request.query.get("sejak"), int(request.query["batas"])
        begin = self._index(_us(since)) if since is not None else 0
        happened = self._happened()
        end = min(begin + limit, happened)
        told: dict[str, object] = {"berikutnya": _text(self._moment(end - 1)) if end > begin else since, "masih_ada": end < happened}
        return self._answer([(number * 7_919 % self._families, self._moment(number)) for number in range(begin, end)], told)

    async def past(self, request: web.Request) -> web.Response:
        """Let changes have happened already, before this was begun."""
        self._past = int(request.query["count"])
        return web.json_response({})

    async def live(self, request: web.Request) -> web.Response:
        """Let changes happen from now on."""
        self._live_us, self._still_us, self._rate = _now_us(), None, float(request.query["rate"])
        return web.json_response({})

    async def still(self, _: web.Request) -> web.Response:
        """Let no more happen; answer how many live ones have."""
        self._still_us = _now_us()
        return web.json_response({"happened": self._happened() - self._past})

    def _happened(self) -> int:
        passed_us = (_now_us() if self._still_us is None else self._still_us) - self._live_us
        return self._past + (1 + int(passed_us * self._rate / 1e6) if passed_us else 0)

    def _moment(self, number: int) -> int:
        """Return when a change happened, in microseconds since 1970."""
        if number < self._past:
            return self._begun_us - (self._past - number) * _STEP_US
        return self._live_us + int((number - self._past) * 1e6 / self._rate)

    def _index(self, moment_us: int) -> int:
        """Return the number of the first change at a moment or later, or of the one before it."""
        if moment_us < self._begun_us:
            return max(0, self._past - (self._begun_us - moment_us) // _STEP_US)
        return self._past + max(0, int((moment_us - self._live_us) * self._rate / 1e6))

    def _answer(self, told: list[tuple[int, int]], rest: dict[str, object]) -> web.Response:
        pieces: list[str] = []
        for number, at_us in told:
            before, between, after = self._parts[number % _KINDS]
            pieces.append(f"{before}{card_of(number)}{between}{_text(at_us)}{after}")
        head = json.dumps(rest)[:-1]
        body = f'{head}, "data": [{", ".join(pieces)}]}}'
        return web.Response(body=body.encode(), content_type="application/json")


def _parts(number: int, regencies: list[str]) -> tuple[str, str, str]:
    """Return a building with a family of four in three parts: between them stand the card's number and the time of change."""
    people = [
        member(1 + number * 4 + one, tanggal_lahir=f"{1950 + (number + 9 * one) % 70}-{1 + number % 12:02}-05", jenis_kelamin="LP"[one % 2])
        for one in range(4)
    ]
    spent = {"makanan": 2_000_000 + number * 977, "bukan_makanan": 1_500_000 + number * 31, "dasar": "SURVEI"}
    one = family(1, _AT, no_kk=_MARK, anggota=people, pengeluaran=spent)
    whole = json.dumps(building(one, village=f"{regencies[number % len(regencies)]}.01.2001", luas_lantai=20 + number % 90))
    before, _, rest = whole.partition(_MARK)
    between, _, after = rest.partition(_AT)
    return before, between, after


def _now_us() -> int:
    return time.time_ns() // 1_000


def _text(moment_us: int) -> str:
    seconds, micro = divmod(moment_us, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{micro:06}Z"


def _us(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.astimezone(UTC).replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


def main() -> None:
    """Serve on a loopback port until ended."""
    source, app = Source(int(sys.argv[1]), sys.argv[2:]), web.Application()
    app.router.add_post("/oauth/token", source.token)
    app.router.add_get("/api/v1/keluarga", source.families)
    app.router.add_get("/api/v1/perubahan", source.changes)
    app.router.add_post("/past", source.past)
    app.router.add_post("/live", source.live)
    app.router.add_post("/still", source.still)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)  # noqa: T201 - its answer
        web.run_app(app, sock=listening, access_log=None, print=None)


if __name__ == "__main__":
    main()

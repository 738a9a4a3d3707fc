"""A sample of an answer: a mistyped cursor or flag is told, of the feed and of the snapshot, and what is declared rightly is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from producers.check import Checked, check
from tests.producers.samples import CARIK, building, card, family

FEED = {"berikutnya": "2024-03-05T08:00:00Z", "masih_ada": True}
SNAPSHOT = {"berikutnya": "x", "masih_ada": True, "perubahan_sejak": "2024-03-05T08:00:00Z", "jumlah": 3}


def checked(folder: Path, answer: dict[str, Any], change: tuple[str, str] = ("", "")) -> Checked:
    """Return what is found of an answer of Carik's with one family in it, with one change made to the region file."""
    text = CARIK.read_text(encoding="utf-8")
    assert change[0] in text
    (folder / "carik.toml").write_text(text.replace(*change, 1) if change[0] else text, encoding="utf-8")
    (folder / "sample.json").write_text(json.dumps({"data": [building(family(1))], **answer}), encoding="utf-8")
    return check(folder / "carik.toml", {}, folder / "sample.json")


@pytest.mark.parametrize(
    "answer",
    [FEED, {**FEED, "berikutnya": None, "masih_ada": False}, {**FEED, "berikutnya": 7}, SNAPSHOT, {**SNAPSHOT, "jumlah": None}],
)
def test_answers_as_they_are_declared(tmp_path: Path, answer: dict[str, Any]) -> None:
    """A page of the feed and a page of the snapshot are in order, with the next place or without one."""
    found = checked(tmp_path, answer)

    assert found.nowhere == []
    assert found.in_order


CURSOR, MORE = 'path = "berikutnya" }\nmore', 'more = "masih_ada"'
KEY = 'key = { parameter = "setelah", path = "berikutnya" }'
SINCE = 'since = "perubahan_sejak"'


@pytest.mark.parametrize(
    ("answer", "change", "told"),
    [
        (FEED, (CURSOR, 'path = "berikunya" }\nmore'), "source.cursor.path: berikunya is nowhere in the sample: is berikutnya meant?"),
        (FEED, (MORE, 'more = "masi_ada"'), "source.more: masi_ada is nowhere in the sample: is masih_ada meant?"),
        (
            {"meta": FEED},
            (CURSOR, 'path = "meta.berikut" }\nmore'),
            "cursor.path: meta.berikut is nowhere in the sample: is meta.berikutnya",
        ),
        ({**FEED, "masih_ada": "ya"}, ("", ""), "source.more: masih_ada is neither true nor false in the sample"),
        ({**FEED, "berikutnya": {}}, ("", ""), "source.cursor.path: berikutnya is no text and no number in the sample"),
        (
            SNAPSHOT,
            (SINCE, 'since = "perubahan"'),
            "source.snapshot.since: perubahan is nowhere in the sample: is perubahan_sejak meant?",
        ),
        (
            SNAPSHOT,
            (KEY, 'key = { parameter = "setelah", path = "berikut" }'),
            "source.snapshot.key.path: berikut is nowhere in the sample",
        ),
        (
            SNAPSHOT,
            (SINCE, f'{SINCE}, more = "masih"'),
            "source.snapshot.more: masih is nowhere in the sample: is masih_ada meant?",
        ),
        ({**SNAPSHOT, "perubahan_sejak": 3}, ("", ""), "source.snapshot.since: perubahan_sejak is no text in the sample"),
        (
            {**SNAPSHOT, "jumlah": "x"},
            ("", ""),
            "snapshot.total: jumlah is no whole number in the sample",
        ),
    ],
)
def test_what_an_answer_does_not_have(tmp_path: Path, answer: dict[str, Any], change: tuple[str, str], told: str) -> None:
    """Each is told with its line and what may be meant, and makes the file not in order; no value of the sample is shown."""
    found = checked(tmp_path, answer, change)

    assert any(told in one for one in found.nowhere), found.nowhere
    assert all(one.startswith("line ") for one in found.nowhere)
    assert not found.in_order
    assert card(1) not in str(found)

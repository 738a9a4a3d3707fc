"""How long a first load will still take: from the pace of the last minutes, and honest where nobody can know."""

from datetime import UTC, datetime, timedelta

import pytest

from producers.backfill import FirstLoad, Sample, per_s, remaining_s, words

NOW = datetime(2024, 4, 1, 12, tzinfo=UTC)


def load(read: int, total: int | None, *samples: tuple[int, int], ended_ago_s: int | None = None) -> FirstLoad:
    """Return a load begun an hour ago; samples are (seconds ago, records read)."""
    ended = None if ended_ago_s is None else NOW - timedelta(seconds=ended_ago_s)
    told = [Sample(NOW - timedelta(seconds=ago), count) for ago, count in samples]
    return FirstLoad(NOW - timedelta(hours=1), read, total, ended, told)


@pytest.mark.parametrize(
    ("one", "rate", "left_s", "said"),
    [
        (load(2_000, 10_000, (10, 1_000), (0, 2_000)), 100.0, 80.0, "2,000 of 10,000 records (20 %), 100 /s, about 1 min 20 s left"),
        (load(2_000, 10_000, (3_000, 0), (100, 1_000)), 10.0, 800.0, "2,000 of 10,000 records (20 %), 10 /s, about 13 min 20 s left"),
        (load(2_000, 10_000, (10, 2_000)), 0.0, None, "2,000 of 10,000 records (20 %), standing still"),
        (load(2_000, 10_000, (900, 0), (800, 2_000)), 0.0, None, "2,000 of 10,000 records (20 %), standing still"),
        (load(500, 10_000, (0, 500)), None, None, "500 of 10,000 records (5 %)"),
        (load(500, 10_000), None, None, "500 of 10,000 records (5 %)"),
        (load(2_000, None, (10, 1_000)), 100.0, None, "2,000 records, 100 /s; the source does not say how many there are"),
        (
            load(2_000, 1_500, (10, 1_000)),
            100.0,
            None,
            "2,000 records, 100 /s; the source says there are 1,500, so nobody knows how many are left",
        ),
        (load(2_000, 2_000, (10, 1_000)), 100.0, 0.0, "2,000 of 2,000 records (100 %), 100 /s, about 0 s left"),
        (load(0, 0, (10, 0)), 0.0, None, "0 of 0 records, standing still"),
        (load(2_000, 1_500, (10, 1_000), ended_ago_s=60), None, 0.0, "2,000 records, done in 59 min 0 s"),
    ],
)
def test_what_is_left_is_told_by_the_pace_of_the_last_minutes(one: FirstLoad, rate: float | None, left_s: float | None, said: str) -> None:
    """Time in which nothing came counts; without a total, or with one that is wrong, nobody knows the end."""
    assert (per_s(one, NOW) if one.ended is None else None, remaining_s(one, NOW), words(one, NOW)) == (rate, left_s, said)

"""Tests of e-Simpati: toddlers are measured, mistakes are mended, and the sequence of each family grows."""

from datetime import date, timedelta
from pathlib import Path

from deploy.demo.simulation import World


def test_toddlers_are_measured_and_what_was_wrong_is_mended(tmp_path: Path) -> None:
    """Notices are of children below five; of every day the last word is no slip; sequences grow without a gap."""
    made = World(tmp_path, seed=3, households=50, elsewhere=400, pace=1_500)
    made.advance(1_200)
    assert made.simpati.held > 0
    made.flush()
    records = [one.as_record(made.people) for one in made.simpati.out]

    assert made.simpati.held == 0
    assert len(records) == len(made.simpati) > 300
    newest: dict[tuple[str, str], dict[str, object]] = {}
    sequences: dict[str, list[int]] = {}
    for record in records:
        told = record["data"]
        sequences.setdefault(told["no_kk"], []).append(told["urut"])
        newest[told["no_kk"], told["tanggal_ukur"]] = record
        for child in told["balita"]:
            age = date.fromisoformat(told["tanggal_ukur"]) - date.fromisoformat(child["tanggal_lahir"])
            assert age < timedelta(days=5 * 366 + 31)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in sequences.values())
    assert {record["jenis"] for record in records} == {"balita.diukur", "balita.dibatalkan"}
    weights = [float(child["berat_kg"]) for record in newest.values() for child in record["data"]["balita"]]  # type: ignore[index]
    assert 2 < min(weights) < max(weights) < 30
    assert max(float(child["berat_kg"]) for record in records for child in record["data"]["balita"]) > 30

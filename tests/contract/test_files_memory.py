"""A snapshot larger than any village's, sent by a whole adapter: its process stays small."""

from pathlib import Path

from deploy.embedded import EmbeddedServices
from deploy.topics import make_topics
from tests.contract.harness import Adapter, until
from tests.contract.kinds import SnapshotKind
from tests.memory import peak_mb
from tests.producers.samples import drop, row, snapshot_name

_ROWS = 100_000
_GREATEST_MB = 150


def _cards() -> list[str]:
    """Return invented family cards' numbers, one for each row."""
    return [f"9901{one // 9_990 + 1:02}010120{one % 9_990 + 1:04}" for one in range(_ROWS)]


def test_a_file_that_does_not_lie_in_memory(services: EmbeddedServices, tmp_path: Path) -> None:
    """From the file to the broker, reading and sending at once, the adapter stays below 150 MB resident."""
    kind = SnapshotKind(tmp_path, "97.01")
    make_topics(services.addresses.kafka, services.addresses.registry, [kind.regency])
    name = snapshot_name(kind.village, 202403, kind.moment)
    drop(kind.inbox, name, (row(1, P301=number, P350=str(500_000 + place)) for place, number in enumerate(_cards())))
    with kind.running() as environ:
        adapter = Adapter(kind, environ, services.addresses, tmp_path)
        with adapter.running() as process:
            until(lambda: (found := adapter.status) is not None and found.delivered == _ROWS, "all is delivered", 240)
            greatest_mb = peak_mb(process.pid)

    assert 1 < greatest_mb < _GREATEST_MB

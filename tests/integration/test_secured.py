"""A cluster that lets nobody in without TLS and a password: every process gets in by one file, and back in when the file is mended."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from deploy.embedded import Addresses, EmbeddedServices
from deploy.embedded import kafka as embedded_kafka
from deploy.embedded.ports import LOOPBACK, free_port
from deploy.security import SecurityFile
from producers import rereading
from producers.checkpoint import status
from producers.rereading import BrokerSilent, Rereader
from schemas.addresses import Address
from tests.certificates import certify
from tests.integration.stage import until
from tests.integration.test_next_region import FILE, City

PASSWORD, WRONG = "invented-password-of-a-region", "invented-password-of-nobody"
_ROW = "9901010101200001;2;800.000;400.000;Ditanya;Sewa;36"


class Given:
    """Services whose addresses are given."""

    def __init__(self, addresses: Addresses) -> None:
        """Know them."""
        self.addresses = addresses


def certified(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for this machine, and the broker's store: its key and the certificate."""
    key, certificate, store = folder / "key.pem", folder / "certificate.pem", folder / "store.pem"
    certify(certificate, key)
    store.write_text(key.read_text() + certificate.read_text())
    return certificate, store


def written(file: Path, certificate: Path, password: str) -> Path:
    """Write the file by which a process is let in."""
    lines = ["# invented", "security.protocol=SASL_SSL", f"ssl.ca.location={certificate}"]
    lines += ["sasl.mechanism=PLAIN", "sasl.username=region", f"sasl.password={password}"]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def city(services: EmbeddedServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """A city whose cluster has a listener with TLS and passwords, and only that is given to it."""
    port = free_port()
    certificate, store = certified(tmp_path)
    plain = embedded_kafka.PROPERTIES
    listener = f"""
listener.name.sasl.ssl.keystore.type=PEM
listener.name.sasl.ssl.keystore.location={store}
listener.name.sasl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_region="{PASSWORD}";
"""
    ours = plain.replace("PLAINTEXT://{host}:{port}", "PLAINTEXT://{host}:{port},SASL://{host}:" + str(port))
    ours = ours.replace("PLAINTEXT:PLAINTEXT\n", "PLAINTEXT:PLAINTEXT,SASL:SASL_SSL\n")
    assert ours.count("SASL") == 4
    monkeypatch.setattr(embedded_kafka, "PROPERTIES", ours + listener)
    where = services.addresses
    with EmbeddedServices.start(tmp_path / "kafka", registry=where.registry, database=where.database):
        (tmp_path / "city").mkdir()
        given = Given(Addresses(f"{LOOPBACK}:{port}", where.registry, where.database))
        made = City(given, tmp_path / "city")  # type: ignore[arg-type]  # a City wants their addresses alone
        made._environ["MUARA_KAFKA_SETTINGS"] = str(written(tmp_path / "office.properties", certificate, PASSWORD))
        (made.base / "sources.csv").write_text("region,source,rank\n34.71,jss,1\n")
        made.does("regions", "load", "--province", "34.71")
        made.does("sources", "load", "sources.csv")
        yield made


def test_one_file_lets_every_process_in_and_a_mended_one_back_in(city: City, tmp_path: Path) -> None:
    """
    Adapter, worker, publisher and receipts work over TLS with a password; with a wrong one the adapter says so and waits.

    When its file is mended it goes on by itself, without a restart; the password is in no log and no state.
    """
    office, certificate = city._environ["MUARA_KAFKA_SETTINGS"], tmp_path / "certificate.pem"
    region = written(tmp_path / "region.properties", certificate, WRONG)
    state = city.base / "muara" / "adapters" / "jss.sqlite"

    def households() -> int:
        with psycopg.connect(city._environ["MUARA_DATABASE"]) as database:
            found = database.execute("select count(*) from household").fetchone()
            return int(found[0]) if found else 0

    def adapter() -> str:
        found = status(state) if state.exists() else None
        return found.sending if found else "none"

    city.exports("34.71.01.1001", "20240402T101500000000", _ROW)
    with ExitStack() as running:
        running.enter_context(city.doing("worker"))
        running.enter_context(city.doing("publish"))
        city._environ["MUARA_KAFKA_SETTINGS"] = str(region)
        running.enter_context(city.doing("adapter", "run", str(FILE)))
        until(lambda: "does not let us in (_AUTHENTICATION)" in adapter(), 60, adapter)
        assert adapter().startswith(f"waiting for broker: {city._environ['MUARA_KAFKA']} does not let us in")

        written(region, certificate, PASSWORD)
        until(lambda: households() == 1, 90, lambda: f"{adapter()}, {households()} households")
        assert "all that was sent is there" in city.does("adapter", "receipt", str(FILE), "--out", "receipt.json")
        city._environ["MUARA_KAFKA_SETTINGS"] = office
        until(lambda: "muara.34.71.household.v1" in city.does("status"), 60, adapter)
        city.does("receipt", "check", "receipt.json")

    kept = b"".join(file.read_bytes() for file in city.base.rglob("*") if file.is_file())
    assert PASSWORD.encode() not in kept
    assert WRONG.encode() not in kept


def test_a_command_by_a_wrong_password_says_what_is_wrong(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not let in is told so, not that nobody answers; a command ends, with one line and exit code 2."""
    monkeypatch.setattr(rereading, "_ANSWER_S", 4.0)
    right = Path(city._environ["MUARA_KAFKA_SETTINGS"])
    wrong = written(tmp_path / "wrong.properties", tmp_path / "certificate.pem", WRONG)
    city._environ["MUARA_KAFKA_SETTINGS"] = str(wrong)
    with pytest.raises(AssertionError, match=r"^muara: Kafka at .* does not make topics \(_AUTHENTICATION\)"):
        city.does("sources", "load", "sources.csv")

    with Rereader(Address(city._environ["MUARA_KAFKA"], SecurityFile(right).part(registry=False))) as reader:
        assert list(reader.topic_ids(["muara.34.71.household.v1"])) == ["muara.34.71.household.v1"]
    with Rereader(Address(city._environ["MUARA_KAFKA"], SecurityFile(wrong).part(registry=False))) as reader:
        for asks in (
            lambda: reader.topic_ids(["muara.34.71.household.v1"]),
            lambda: list(reader.records(("muara.34.71.household.v1", 0), 1)),
        ):
            with pytest.raises(BrokerSilent, match="_AUTHENTICATION"):
                asks()

"""The registry is asked once and then remembered; what it does not have is rejected, and while it is away everything else waits."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID

import pytest
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient

from deploy.embedded import EmbeddedServices
from schemas.codec import NotTheContract, UnknownSchema, decode, encode, parsed, schema_text
from schemas.errors import Fatal, Rejected, Retriable
from schemas.events import EventRejected, to_record
from schemas.registry import Registry, RegistryAway, SchemaRefused
from schemas.topics import household_topic, rejected_topic, subject_of
from tests.schemas.test_codec import EVENT

GUID = UUID("00112233-4455-6677-8899-aabbccddeeff")
NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


@contextmanager
def asking(address: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Registry]:
    """Give a way to a registry, with an empty memory."""
    registry = Registry(address, clock=clock)
    yield registry
    registry.close()


@pytest.fixture
def client(services: EmbeddedServices) -> Iterator[SchemaRegistryClient]:
    """The registry as anybody may write to it; what a test puts there is gone in the end."""
    with SchemaRegistryClient({"url": services.addresses.registry}) as asked:
        yield asked
        for subject in asked.get_subjects():
            if subject.startswith(("muara.99.7", "other-")):
                asked.delete_subject(subject)
                asked.delete_subject(subject, permanent=True)


@pytest.fixture
def registry(client: SchemaRegistryClient, services: EmbeddedServices) -> Iterator[Registry]:
    """A way to the registry, with an empty memory."""
    with asking(services.addresses.registry) as asked:
        yield asked


def test_a_schema_is_registered_under_many_subjects_with_one_id(registry: Registry, client: SchemaRegistryClient) -> None:
    """All regencies' events carry the same id, and each subject takes only what every version can read."""
    ids = {registry.register(household_topic(f"99.7{number}"), "HouseholdChanged") for number in range(3)}

    assert len(ids) == 1
    for number in range(3):
        told = client.get_config(subject_of(household_topic(f"99.7{number}")))
        assert ConfigCompatibilityLevel(told.compatibility_level) is ConfigCompatibilityLevel.FULL_TRANSITIVE
    assert json.loads(client.get_schema(ids.pop()).schema_str or "") == json.loads(schema_text("HouseholdChanged"))


def test_a_registered_schema_is_found_by_its_id(registry: Registry, services: EmbeddedServices) -> None:
    """What one process writes with a registered id another reads, without any schema of its own."""
    number = registry.register(household_topic("99.71"), "HouseholdChanged")

    with asking(services.addresses.registry) as reader:
        assert decode("HouseholdChanged", encode(EVENT, number), (), reader) == to_record(EVENT)
        assert reader.by_id(number) == parsed("HouseholdChanged")


def test_the_registry_may_be_stopped_once_schemas_are_known(registry: Registry, services: EmbeddedServices) -> None:
    """Writers and readers that know their ids go on; what they do not know waits, and is found when the registry is back."""
    topic, address = household_topic("99.72"), services.addresses.registry
    registry._clock = lambda: 0.0  # so that what is unknown stays so for as long as the registry is stopped
    number = registry.register(topic, "HouseholdChanged")
    with pytest.raises(UnknownSchema):
        registry.by_id(2**31 - 1)
    with asking(address) as reader, asking(address) as late:
        reader.by_id(number)
        services.registry.stop()
        try:
            assert registry.register(topic, "HouseholdChanged") == number
            assert decode("HouseholdChanged", encode(EVENT, number), (), reader) == to_record(EVENT)
            with pytest.raises(UnknownSchema):
                registry.by_id(2**31 - 1)
            for ask in (
                lambda: late.by_id(number),
                lambda: late.by_guid(GUID),
                lambda: registry.register(rejected_topic("99.72"), "EventRejected"),
                late.subjects,
                lambda: late.versions(subject_of(topic)),
            ):
                with pytest.raises(RegistryAway, match=rf"the schema registry at {address} does not answer \(ConnectError\)"):
                    ask()
        finally:
            services.registry.start()
        assert late.by_id(number) == parsed("HouseholdChanged")


def test_what_to_do_next_is_told_by_the_class() -> None:
    """A registry that is away is waited for, a schema that is refused ends the process, one that is unknown rejects the event."""
    assert issubclass(RegistryAway, Retriable)
    assert issubclass(SchemaRefused, Fatal)
    assert issubclass(UnknownSchema, Rejected)


def test_a_schema_that_is_registered_later_is_found(services: EmbeddedServices, client: SchemaRegistryClient) -> None:
    """An id that was asked for too early is unknown for some seconds, not for the life of the process."""
    now = 100.0
    with asking(services.addresses.registry, lambda: now) as registry:
        wanted = client.register_schema("other-before", Schema(json.dumps({"type": "record", "name": "Before", "fields": []}), "AVRO")) + 1
        with pytest.raises(UnknownSchema):
            registry.by_id(wanted)
        made = client.register_schema("other-after", Schema(json.dumps({"type": "record", "name": "After", "fields": []}), "AVRO"))
        assert made == wanted
        now += 4.0
        with pytest.raises(UnknownSchema):
            registry.by_id(wanted)
        now += 2.0
        assert registry.by_id(wanted)["name"] == "After"


def test_random_ids_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest answers are kept, of whatever kind."""
    registry = Registry(NOBODY)
    monkeypatch.setattr(registry._client, "get_schema", lambda number: Schema(json.dumps("string" if number % 2 else "none"), "AVRO"))
    for number in range(5_000):
        with suppress(Rejected):
            registry.by_id(number)

    assert (len(registry._schemas), len(registry._rejected)) == (1_000, 1_000)
    assert registry.by_id(4_999) == {"type": "string"}


@pytest.mark.parametrize("number", [0, 999_999, 2**31 - 1, 2**31, 2**32 - 1])
def test_an_id_that_does_not_exist_is_unknown(registry: Registry, number: int) -> None:
    """Any four bytes may stand in a frame: none of them makes the registry look as if it were away."""
    for _ in range(2):
        with pytest.raises(UnknownSchema, match=rf"schema {number} is not known to the registry"):
            registry.by_id(number)


def test_a_guid_is_unknown_to_a_registry_without_guids(registry: Registry) -> None:
    """A registry that answers 404 without a word on GUIDs knows none: the event is rejected and blocks nothing."""
    with pytest.raises(UnknownSchema, match=str(GUID)):
        registry.by_guid(GUID)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (json.dumps({"type": "object", "properties": {"name": {"type": "string"}}}), "JSON"),
        ('syntax = "proto3"; message Other { string name = 1; }', "PROTOBUF"),
    ],
)
def test_a_schema_of_another_format_is_not_the_contract(registry: Registry, client: SchemaRegistryClient, text: str, kind: str) -> None:
    """An event written with a JSON or Protobuf schema of the same registry is rejected, each time, and ends nothing."""
    number = client.register_schema(f"other-{kind}", Schema(text, kind))

    for _ in range(2):
        with pytest.raises(NotTheContract, match=rf"schema {number} is not Avro that stands by itself"):
            decode("HouseholdChanged", encode(EVENT, number), (), registry)


def test_a_record_of_another_subject_is_not_the_contract(registry: Registry) -> None:
    """A dead letter with a good id in a topic of households is rejected."""
    number = registry.register(rejected_topic("99.73"), "EventRejected")
    letter = EventRejected("t", 0, 1, EVENT.recorded_at, "c", "f", "m", "d")

    assert decode("EventRejected", encode(letter, number), (), registry) == to_record(letter)
    with pytest.raises(NotTheContract):
        decode("HouseholdChanged", encode(letter, number), (), registry)


def test_an_incompatible_schema_is_refused_and_not_remembered(registry: Registry, client: SchemaRegistryClient) -> None:
    """A subject that holds what ours cannot read refuses ours, each time it is tried, with the way out in the message."""
    topic = household_topic("99.74")
    other = {"type": "record", "name": "HouseholdChanged", "namespace": "muara.v1", "fields": [{"name": "must", "type": "int"}]}
    client.register_schema(subject_of(topic), Schema(json.dumps(other), "AVRO"))
    client.set_compatibility(subject_of(topic), "FULL_TRANSITIVE")

    for _ in range(2):
        with pytest.raises(
            SchemaRefused, match=r"the schema registry refuses muara\.99\.74\.household\.v1-value \(.+\): see muara schema check"
        ):
            registry.register(topic, "HouseholdChanged")


def test_subjects_and_versions_are_told(registry: Registry) -> None:
    """A registered subject is listed with its version; one that does not exist has none."""
    registry.register(rejected_topic("99.75"), "EventRejected")

    assert subject_of(rejected_topic("99.75")) in registry.subjects()
    assert registry.versions(subject_of(rejected_topic("99.75"))) == [(1, json.loads(schema_text("EventRejected")))]
    assert registry.versions(subject_of(rejected_topic("99.76"))) == []


def test_nobody_at_the_address_is_waited_for() -> None:
    """Where nothing listens, everything that asks is told to wait, with the address."""
    with asking(NOBODY) as registry:
        for ask in (lambda: registry.by_id(1), lambda: registry.register("muara.indicator.v1", "IndicatorPublished"), registry.subjects):
            with pytest.raises(RegistryAway, match=r"at http://127\.0\.0\.1:9 does not answer"):
                ask()


def test_a_wrong_path_is_waited_for_and_rejects_nothing(services: EmbeddedServices) -> None:
    """An address that answers 404 to everything is no registry: no event is rejected for it."""
    with asking(services.addresses.registry.replace("/apis/", "/wrong/")) as registry:
        for ask in (lambda: registry.by_id(1), registry.subjects, lambda: registry.versions("muara.indicator.v1-value")):
            with pytest.raises(RegistryAway, match="HTTP 404"):
                ask()


class _Answers(BaseHTTPRequestHandler):
    """A server that knows one GUID, as registries after Confluent's do, is broken at one id, and speaks HTML at another."""

    def do_GET(self) -> None:
        """Answer by the path alone."""
        path = self.path.partition("?")[0]
        if path == f"/schemas/guids/{GUID}":
            self._answer(200, json.dumps({"schema": schema_text("HouseholdChanged"), "schemaType": "AVRO"}))
        elif path.startswith("/schemas/guids/"):
            self._answer(404, json.dumps({"error_code": 40403, "message": "Schema not found"}))
        elif path == "/schemas/ids/1":
            self._answer(500, json.dumps({"error_code": 50001, "message": "Error in the backend data store"}))
        else:
            self._answer(200, "<html>please log in</html>")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
        """Say nothing."""


@pytest.fixture
def other_registry() -> Iterator[Registry]:
    """A way to the server above."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        with asking(f"http://127.0.0.1:{server.server_port}") as asked:
            yield asked
        server.shutdown()
        thread.join()


def test_a_guid_is_found_where_a_registry_has_guids(other_registry: Registry) -> None:
    """An event in framing V1 is read through the GUID of its header; a GUID that the registry does not have is unknown."""
    header = ("__value_schema_id", b"\x01" + GUID.bytes)

    assert decode("HouseholdChanged", encode(EVENT, 1)[5:], [header], other_registry) == to_record(EVENT)
    with pytest.raises(UnknownSchema):
        other_registry.by_guid(UUID(int=1))


@pytest.mark.parametrize(("number", "why"), [(1, "HTTP 500"), (2, "JSONDecodeError")])
def test_a_registry_out_of_order_is_waited_for(other_registry: Registry, number: int, why: str) -> None:
    """An error of the server and a page of a proxy say nothing of the schema: nothing is rejected for them."""
    with pytest.raises(RegistryAway, match=rf"\({why}\)"):
        other_registry.by_id(number)

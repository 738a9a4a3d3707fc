"""
How this machine is let in at a cluster's brokers and registry: the file that MUARA_KAFKA_SETTINGS names.

Why: one file, readable by one account, for every client that there is: adapters, receipts, workers, publishers, commands.
A closed list of settings, since others (acks, say) would break what is promised.
Must not: show a value: any may be a password that stands in the wrong line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import SchemaRegistryClient

from producers.environment import content_of
from schemas.addresses import Address
from schemas.errors import Fatal

__all__ = ["SecurityFile", "SecurityFileWrong", "secured"]

_REGISTRY = "schema.registry."
_IN_FILE = ".file"
"""What a setting's name ends in where it names a file with the value."""
_OAUTH = ("client.id", "client.secret", "config", "extensions", "method", "scope", "token.endpoint.url")
_OF_KAFKA = (
    "security.protocol",
    *(f"sasl.{name}" for name in ("mechanism", "mechanisms", "username", "password")),
    *(f"sasl.oauthbearer.{name}" for name in _OAUTH),
    *(f"ssl.{name}" for name in ("ca.location", "certificate.location", "key.location", "key.password", "keystore.location")),
    *(f"ssl.{name}" for name in ("keystore.password", "crl.location", "cipher.suites", "endpoint.identification.algorithm")),
    "enable.ssl.certificate.verification",
    "broker.address.family",
    "client.dns.lookup",
)
_OF_REGISTRY = ("basic.auth.user.info", "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.key.password")
_NAMES = (*_OF_KAFKA, *(_REGISTRY + name for name in _OF_REGISTRY))
_LINE = re.compile(r"\s*([A-Za-z0-9._-]+)\s*[=:]\s*(.*?)\s*")
_FILE = ".location"
_PROBE = "probe"
"""What librdkafka takes for the place of a system's own certificates, where that is not a file."""
_NOT_A_FILE = {_PROBE, ""}
_TELLING = 6
"""Letters from which on a value is struck out of a message wherever it stands; shorter ones only where they stand as values."""
Settings = dict[str, str]


class SecurityFileWrong(Fatal):
    """{file}, which MUARA_KAFKA_SETTINGS names, {mistakes}"""


class SecurityFile:
    """The file, read anew whenever its settings are asked for: credentials that were changed there count at the next connection."""

    def __init__(self, file: Path) -> None:
        """Read it; raises `SecurityFileWrong` with every mistake at once."""
        self._file = file
        self._beside: list[Path] = []
        """Files that hold single settings."""
        self._read = self._as_it_is()
        self._marks = self._marked()

    def __repr__(self) -> str:
        """Name the file, and nothing in it."""
        return f"SecurityFile({self._file})"

    def part(self, *, registry: bool) -> Mapping[str, str]:
        """Return the settings of brokers, or of the registry, as they are at any time; where the file is wrong then, as they were last."""
        return _Part(self, registry)

    def now(self, *, registry: bool) -> Settings:
        """Return the settings of brokers, or of the registry, as they are now."""
        with suppress(SecurityFileWrong, OSError):  # while it is being written, what it said last goes on
            if (marks := self._marked()) != self._marks:
                self._read, self._marks = self._as_it_is(), marks
        return self._read[registry]

    def _marked(self) -> list[tuple[int, int, int]]:
        """Return by what it shows that a file has changed."""
        return [(told.st_ino, told.st_mtime_ns, told.st_size) for told in (file.stat() for file in (self._file, *self._beside))]

    def _as_it_is(self) -> tuple[Settings, Settings]:
        try:
            lines = content_of(self._file).splitlines()
        except OSError as error:
            raise self._wrong([f"cannot be read ({error.strerror})"]) from None
        except ValueError as error:
            raise self._wrong([f"cannot be used ({error})"]) from None
        self._beside.clear()
        found: tuple[Settings, Settings] = ({}, {})
        mistakes: list[str] = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith(("#", "!")):
                continue
            try:
                name, value, beside = _said(line)
            except ValueError as error:
                mistakes.append(f"line {number}: {error}")
            else:
                self._beside += [beside] if beside else []
                registry = name.startswith(_REGISTRY)
                found[registry][name.removeprefix(_REGISTRY)] = value
        mistakes += [] if mistakes else _refused(*found)
        if mistakes:
            raise self._wrong(mistakes)
        return found

    def _wrong(self, mistakes: list[str]) -> SecurityFileWrong:
        told = mistakes[0] if len(mistakes) == 1 else f"has {len(mistakes)} mistakes:" + "".join(f"\n{one}" for one in mistakes)
        return SecurityFileWrong(file=self._file, mistakes=told)


class _Part(Mapping[str, str]):
    """One of the file's two halves."""

    def __init__(self, file: SecurityFile, registry: bool) -> None:
        self._file, self._registry = file, registry

    def __getitem__(self, name: str) -> str:
        return self._file.now(registry=self._registry)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.now(registry=self._registry))

    def __len__(self) -> int:
        return len(self._file.now(registry=self._registry))

    def __repr__(self) -> str:
        return repr(self._file)


def secured(kafka: str, registry: str, file: Path | None) -> tuple[str, str]:
    """Return the addresses of brokers and registry with what a file says of how to be let in; raises `SecurityFileWrong`."""
    if file is None:
        return kafka, registry
    read = SecurityFile(file)
    if "@" in registry and "basic.auth.user.info" in read.part(registry=True):
        told = "gives a name and a password for the registry, and so does MUARA_REGISTRY: leave one of them out"
        raise SecurityFileWrong(file=file, mistakes=told)
    return Address(kafka, read.part(registry=False)), Address(registry, read.part(registry=True))


def _said(line: str) -> tuple[str, str, Path | None]:
    """
    Return the name and value that a line sets, and the file that the value came from, where it lies in one.

    Raises ValueError with what is wrong, in words that hold no value.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("is no NAME=VALUE")
    name, value = found[1], found[2]
    plain = name.removesuffix(_IN_FILE)
    if plain not in _NAMES:
        if name in ("sasl.jaas.config", "ssl.truststore.location"):
            raise ValueError(f"{name} is a setting of Java's clients: give sasl.username and sasl.password, or ssl.ca.location")
        near = get_close_matches(name, _NAMES, 1)
        raise ValueError(f"{name[:60]} is not among the settings that can be given" + (f": is {near[0]} meant?" if near else ""))
    if plain != name:
        return plain, _content(name, value), Path(value)
    if name.endswith(_FILE) and value not in _NOT_A_FILE:
        _must_be_readable(name, Path(value))
    if name == _REGISTRY + "basic.auth.user.info" and ":" not in value:
        raise ValueError(f"{name} is not NAME:PASSWORD")
    return name, value, None


def _content(name: str, value: str) -> str:
    try:
        return content_of(Path(value))
    except OSError as error:
        raise ValueError(f"{name} names a file that cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{name} names a file that cannot be used ({error})") from None


def _must_be_readable(name: str, file: Path) -> None:
    try:
        if not file.is_dir():
            file.open("rb").close()
    except OSError as error:
        raise ValueError(f"{name} names a file that cannot be read ({error.strerror})") from None


def _refused(kafka: Settings, registry: Settings) -> list[str]:
    """Return what the clients say against settings, without their values; they connect to nobody for that."""
    try:
        AdminClient({**kafka, "bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    except KafkaException as error:
        return [f"is not taken by librdkafka: {_without(kafka.values(), str(error.args[0].str()))}"]
    try:
        SchemaRegistryClient({**registry, "url": "http://127.0.0.1:1"})
    except (OSError, ValueError) as error:  # of ssl's own errors all are OSErrors
        return [f"is not taken for the registry: {_without(registry.values(), str(error))}"]
    return []


def _without(values: Iterable[str], said: str) -> str:
    """Return what a library said without the values that it said it of."""
    for value in sorted(values, key=len, reverse=True):
        said = said.replace(f'"{value}"', '"..."')
        said = said.replace(value, "...") if len(value) >= _TELLING else said
    return said

"""The file of TLS and credentials: every mistake at once and none of its values; read anew when it changes."""

import copy
from pathlib import Path

import pytest

from deploy.security import SecurityFile, SecurityFileWrong, secured
from schemas.addresses import Address, settings_of
from tests.deploy.test_cli import muara

RIGHT = "# invented\n\nsecurity.protocol = SASL_PLAINTEXT\nsasl.mechanism: PLAIN\nsasl.username=region\nsasl.password=invented=secret\n"
REGISTRY = "schema.registry.basic.auth.user.info=region:invented-secret\n"


def told(folder: Path, text: str) -> Path:
    """Write a file of settings."""
    file = folder / "kafka.properties"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_lets_in_at_brokers_and_registry(tmp_path: Path) -> None:
    """Its lines go to the client that they are for; the addresses show nothing of it."""
    kafka, registry = secured("broker:9093", "https://registry", told(tmp_path, RIGHT + REGISTRY))

    assert (kafka, registry, f"{kafka!r}") == ("broker:9093", "https://registry", "'broker:9093'")
    assert settings_of(kafka) == {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "region",
        "sasl.password": "invented=secret",
    }
    assert settings_of(registry) == {"basic.auth.user.info": "region:invented-secret"}
    assert isinstance(kafka, Address)
    assert "secret" not in f"{kafka.settings!r}"
    assert settings_of(copy.deepcopy(kafka)) == settings_of(kafka)
    assert secured("broker:9093", "https://registry", None) == ("broker:9093", "https://registry")


def test_a_changed_file_counts_at_the_next_connection(tmp_path: Path) -> None:
    """What is written there later counts; while what is there is wrong or nothing, what it said last goes on."""
    kafka, _ = secured("broker:9093", "https://registry", file := told(tmp_path, RIGHT))
    seen = [settings_of(kafka)["sasl.password"]]
    for text in (RIGHT.replace("invented=", "another-"), "half a li"):
        told(tmp_path, text)
        seen.append(settings_of(kafka)["sasl.password"])
    file.unlink()
    seen.append(settings_of(kafka)["sasl.password"])

    assert seen == ["invented=secret", "another-secret", "another-secret", "another-secret"]


def test_a_secret_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    """NAME.file names a file with the value, which may change too."""
    (tmp_path / "password").write_text("one\n", encoding="utf-8")
    text = RIGHT.replace("sasl.password=invented=secret", f"sasl.password.file={tmp_path / 'password'}")
    kafka, _ = secured("broker:9093", "https://registry", told(tmp_path, text))
    seen = [settings_of(kafka)["sasl.password"]]
    (tmp_path / "password").write_text("another\n", encoding="utf-8")
    seen.append(settings_of(kafka)["sasl.password"])

    assert seen == ["one", "another"]


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("hidden", "line 1: is no NAME=VALUE"),
        ("sasl.pasword=hidden", "line 1: sasl.pasword is not among the settings that can be given: is sasl.password meant?"),
        ("acks=hidden", "line 1: acks is not among the settings that can be given"),
        (
            "sasl.jaas.config=hidden",
            "line 1: sasl.jaas.config is a setting of Java's clients: give sasl.username and sasl.password, or ssl.ca.location",
        ),
        ("ssl.ca.location=/nowhere/hidden", "line 1: ssl.ca.location names a file that cannot be read (No such file or directory)"),
        ("sasl.password.file=/nowhere/hidden", "line 1: sasl.password.file names a file that cannot be read (No such file or directory)"),
        ("schema.registry.basic.auth.user.info=hidden", "line 1: schema.registry.basic.auth.user.info is not NAME:PASSWORD"),
        (
            "security.protocol=hidden",
            'is not taken by librdkafka: Invalid value "..." for configuration property "security.protocol"',
        ),
        (
            "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN",
            "is not taken by librdkafka: Failed to create admin client: sasl.username and sasl.password must be set",
        ),
        ("acks=hidden\n\nhidden", "has 2 mistakes:\nline 1: acks is not among the settings that can be given\nline 3: is no NAME=VALUE"),
    ],
)
def test_mistakes_are_told_without_what_was_written(tmp_path: Path, text: str, mistakes: str) -> None:
    """Each mistake has its line and the remedy where one is near; a value, which may be a password in the wrong line, is never shown."""
    with pytest.raises(SecurityFileWrong) as caught:
        SecurityFile(told(tmp_path, text))

    assert str(caught.value) == f"{tmp_path / 'kafka.properties'}, which MUARA_KAFKA_SETTINGS names, {mistakes}"
    assert "hidden" not in str(caught.value)


def test_one_name_for_the_registry_is_enough(tmp_path: Path) -> None:
    """A registry whose address has a name and a password already is given no others."""
    with pytest.raises(SecurityFileWrong, match="leave one of them out"):
        secured("broker:9093", "https://region:secret@registry", told(tmp_path, RIGHT + REGISTRY))


def test_wrong_files_are_errors_of_use(tmp_path: Path) -> None:
    """A file that is not there, or is a folder, or is given without brokers, is one line and exit code 2."""
    given = {"MUARA_KAFKA": "127.0.0.1:1", "MUARA_REGISTRY": "http://127.0.0.1:1", "MUARA_DATABASE": "postgresql://127.0.0.1:1/x"}
    for environ, why in (
        ({**given, "MUARA_KAFKA_SETTINGS": "nowhere"}, "cannot be read (No such file or directory)"),
        ({**given, "MUARA_KAFKA_SETTINGS": str(tmp_path)}, "cannot be read (Is a directory)"),
    ):
        said = muara("status", cwd=tmp_path, **environ)

        assert (said.returncode, said.stderr.count("\n")) == (2, 1)
        assert said.stderr.endswith(f", which MUARA_KAFKA_SETTINGS names, {why}\n")

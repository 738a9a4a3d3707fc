"""The worker's consumer is let in by the same settings as every other client, or says which of them it cannot follow."""

import ssl

import pytest

from processors.credentials import CannotBeLetIn, credentials_of
from schemas.addresses import Address

SASL = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "office", "sasl.password": "invented"}


def test_a_bare_address_wants_none() -> None:
    """Without settings, or with none of a kind, nothing is told to a broker."""
    assert credentials_of("broker:9092") is None
    assert credentials_of(Address("broker:9092", {"security.protocol": "plaintext"})) is None


@pytest.mark.parametrize(
    ("settings", "tls", "mechanism"),
    [
        ({"security.protocol": "SASL_PLAINTEXT", **SASL}, False, "SCRAM-SHA-512"),
        ({"security.protocol": "sasl_ssl", **SASL}, True, "SCRAM-SHA-512"),
        ({"security.protocol": "SSL"}, True, ""),
    ],
)
def test_settings_are_followed(settings: dict[str, str], tls: bool, mechanism: str) -> None:
    """TLS and SASL are as the protocol says; the password shows nowhere."""
    found = credentials_of(Address("broker:9093", settings))

    assert found is not None
    assert (found.context is not None, found.mechanism) == (tls, mechanism)
    assert (found.username, found.password) == (("office", "invented") if mechanism else ("", ""))
    assert "invented" not in repr(found)


@pytest.mark.parametrize(
    ("settings", "name_checked", "mode"),
    [
        ({}, True, ssl.CERT_REQUIRED),
        ({"ssl.endpoint.identification.algorithm": "none"}, False, ssl.CERT_REQUIRED),
        ({"enable.ssl.certificate.verification": "false"}, False, ssl.CERT_NONE),
    ],
)
def test_certificates_are_checked_unless_said_otherwise(settings: dict[str, str], name_checked: bool, mode: ssl.VerifyMode) -> None:
    """As librdkafka does: the certificate and the host's name, unless one setting or the other says no."""
    found = credentials_of(Address("broker:9093", {"security.protocol": "SSL", **settings}))

    assert found is not None
    assert found.context is not None
    assert (found.context.check_hostname, found.context.verify_mode) == (name_checked, mode)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}, "sasl.mechanism must be one of PLAIN"),
        ({"security.protocol": "SSL", "ssl.cipher.suites": "x"}, "it knows no ssl.cipher.suites"),
        ({"security.protocol": "SSL", "ssl.certificate.location": "/nowhere"}, "its certificates or key: FileNotFoundError"),
    ],
)
def test_what_cannot_be_followed_is_refused(settings: dict[str, str], why: str) -> None:
    """A setting that the client in Python does not have ends the worker with one line, instead of being passed over."""
    with pytest.raises(CannotBeLetIn, match=why):
        credentials_of(Address("broker:9093", settings))

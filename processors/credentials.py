"""
How the worker's consumer is let in at a broker: the settings of librdkafka's clients, in the terms of a client in Python.

Why: Faust reads through another client than everything else here, and a person should write the settings once.
Must not: show a password, or take a setting for less than it says: what cannot be had in Python is refused.
"""

import ssl
from dataclasses import dataclass, field

from schemas.addresses import settings_of
from schemas.errors import Fatal

__all__ = ["CannotBeLetIn", "Credentials", "credentials_of"]

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_OF_TLS = (
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.endpoint.identification.algorithm",
    "enable.ssl.certificate.verification",
)
_OF_SASL = ("sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password")
_KNOWN = ("security.protocol", *_OF_TLS, *_OF_SASL, "broker.address.family", "client.dns.lookup")


class CannotBeLetIn(Fatal):
    """the worker cannot connect as the file of MUARA_KAFKA_SETTINGS says ({why})"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """TLS where there is a context, and SASL where there is a mechanism."""

    context: ssl.SSLContext | None
    mechanism: str
    username: str
    password: str = field(repr=False)


def credentials_of(kafka: str) -> Credentials | None:
    """Return what goes along with an address of brokers, None for a bare one; raises `CannotBeLetIn`."""
    told = settings_of(kafka)
    protocol = told.get("security.protocol", "plaintext").lower()
    if odd := sorted(set(told) - set(_KNOWN)):
        raise CannotBeLetIn(why=f"it knows no {odd[0]}")
    mechanism = told.get("sasl.mechanism") or told.get("sasl.mechanisms", "")
    if protocol.startswith("sasl_") and mechanism not in _MECHANISMS:
        raise CannotBeLetIn(why=f"sasl.mechanism must be one of {', '.join(_MECHANISMS)}")
    context = _context(told) if protocol.endswith("ssl") else None
    if protocol == "plaintext":
        return None
    if not protocol.startswith("sasl_"):
        return Credentials(context, "", "", "")
    return Credentials(context, mechanism, told.get("sasl.username", ""), told.get("sasl.password", ""))


def _context(told: dict[str, str]) -> ssl.SSLContext:
    place = told.get("ssl.ca.location", "probe")
    try:
        context = ssl.create_default_context(cafile=None if place == "probe" else place)
        if told.get("ssl.endpoint.identification.algorithm", "https").lower() == "none":
            context.check_hostname = False
        if told.get("enable.ssl.certificate.verification", "true").lower() == "false":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate := told.get("ssl.certificate.location"):
            context.load_cert_chain(certificate, told.get("ssl.key.location"), told.get("ssl.key.password", ""))
    except (OSError, ValueError) as error:  # of ssl's own errors all are OSErrors
        raise CannotBeLetIn(why=f"its certificates or key: {type(error).__name__}") from error
    return context

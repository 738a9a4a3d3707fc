"""
The address of a broker or a registry together with what else is needed to be let in there: TLS, credentials.

Why: whoever connects is given one value, and shows and compares it as the text that it is; what else there is goes along unseen.
Must not: read a file or the environment, or show a setting.
"""

from collections.abc import Mapping
from typing import Self

__all__ = ["Address", "settings_of"]


class Address(str):
    """An address as text; its settings are asked for anew at each connection, since a file behind them may have changed."""

    __slots__ = ("settings",)

    settings: Mapping[str, str]

    def __new__(cls, text: str, settings: Mapping[str, str]) -> Self:
        """Return an address with settings by the names of the client that connects: librdkafka's, or Confluent's for a registry."""
        made = super().__new__(cls, text)
        made.settings = settings
        return made

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be copied with its settings as they are now."""
        return Address, (str(self), dict(self.settings))


def settings_of(address: str) -> dict[str, str]:
    """
    Return the settings that go along with an address as they are now; those of a bare text are none.

    >>> settings_of("127.0.0.1:9092"), settings_of(Address("broker:9093", {"security.protocol": "SSL"}))
    ({}, {'security.protocol': 'SSL'})
    """
    return dict(address.settings) if isinstance(address, Address) else {}

"""
Where a system pushes its changes to, how it signs them, and how much of them is taken.

Why: what differs from one pushing system to the next is declared here.
Must not: hold a secret: it names the variables that do.
"""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from producers.declaration.model import Misplaced, Mistake, Model

__all__ = ["Headers", "Tls", "WebhookSource"]

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):([0-9]{1,5})")
_Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
_Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


def _is_address(value: str) -> str:
    """Refuse what is no host:port; a placeholder that is not filled in yet passes."""
    found = _ADDRESS.fullmatch(value)
    if "${" not in value and (found is None or int(found[1]) >= 1 << 16):
        raise ValueError("give host:port, such as 127.0.0.1:8443")
    return value


class Headers(Model):
    """The headers that carry signature, time and the notification's own number, which stays the same when it is sent again."""

    signature: _Header = "X-Signature"
    timestamp: _Header = "X-Timestamp"
    delivery: _Header = "X-Delivery"


class Tls(Model):
    """Files of the certificate (with its chain) and its key, in PEM."""

    certificate: str
    key: str


class WebhookSource(Model):
    """
    A system that pushes JSON, signed with HMAC-SHA-256 over timestamp + "." + body.

    The signature's header holds `sha256=` and the digest in hex, the timestamp's the seconds since 1970.
    """

    kind: Literal["webhook"]
    listen: Annotated[str, AfterValidator(_is_address)]
    path: str = Field(pattern=r"^/[A-Za-z0-9._~/-]*$")
    secret_env: tuple[_Variable, ...] = Field(min_length=1, max_length=3)
    """Variables that hold the secrets: the first must be set, the others count while a secret is being changed."""
    records: str | None = None
    """The path to the notifications in a batch, with [] where a list is gone through; a body without its first step is one notification."""
    headers: Headers = Headers()
    window_s: int = Field(300, ge=1, le=86_400)
    """How far a request's timestamp may lie from our clock, either way."""
    remember_s: int = Field(3600, ge=1, le=864_000)
    """How long a delivery is known, so that sending it again does nothing."""
    greatest_kb: int = Field(2048, ge=1, le=8192)
    """The largest body."""
    rate: float = Field(2500.0, gt=0, le=100_000)
    """Requests per second that are taken for long."""
    burst: int = Field(2500, ge=1, le=1_000_000)
    """Requests that may come at once after a pause."""
    connections: int = Field(256, ge=1, le=10_000)
    timeout_s: float = Field(10.0, gt=0, le=600)
    """How long a request's headers may take, then its body, then its answer."""
    tls: Tls | None = None

    poll_s: ClassVar[float] = 0.0
    """It is told and never asked: reading itself waits for what comes."""

    @model_validator(mode="after")
    def _remembers_beyond_the_window(self) -> "WebhookSource":
        # A request dated at the window's far end is accepted for twice the window.
        if self.remember_s <= 2 * self.window_s:
            key = "remember_s" if "remember_s" in self.model_fields_set else "window_s"
            raise Misplaced(Mistake((key,), "remember_s must be more than twice window_s, or a request could be replayed"))
        return self

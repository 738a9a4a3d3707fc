"""
Signatures over time and body by a shared secret (HMAC-SHA-256), and the window of time in which one counts.

Why: whoever can reach the port could otherwise invent households; the time keeps an old request from being used again.
Must not: know a clock or IO; show a secret, or tell by its own time how much of a signature was right.
"""

import hmac
import re
from collections.abc import Mapping, Sequence

from producers.faults import SecretMissing

__all__ = ["Secrets", "seconds_of"]

_SIGNATURE = re.compile(r"sha256=([0-9A-Fa-f]{64})")
_SECONDS = re.compile(r"[0-9]{1,12}")


class Secrets:
    """The secrets that count now: one, or while it is being changed the one before it too."""

    def __init__(self, values: Sequence[bytes]) -> None:
        """Keep them."""
        self._values = tuple(values)

    @classmethod
    def from_environ(cls, names: Sequence[str], environ: Mapping[str, str]) -> "Secrets":
        """Return the secrets that variables hold; raises `SecretMissing` where the first is not set."""
        if not environ.get(names[0]):
            raise SecretMissing(name=names[0])
        return cls([environ[name].encode() for name in names if environ.get(name)])

    def renew(self, names: Sequence[str], environ: Mapping[str, str]) -> None:
        """Take what variables hold now, since a file of theirs may have changed; where the first has no value, nothing changes."""
        if environ.get(names[0]):
            self._values = tuple(found.encode() for name in names if (found := environ.get(name)))

    def __repr__(self) -> str:
        """Show no secret."""
        return f"{len(self._values)} secrets"

    def signed(self, timestamp: str, body: bytes, signature: str) -> bool:
        """Return whether a signature, as its header holds it, is that of timestamp + "." + body by any of the secrets."""
        found = _SIGNATURE.fullmatch(signature)
        if found is None:
            return False
        given, content = bytes.fromhex(found[1]), timestamp.encode() + b"." + body
        # All are tried, so that the time does not tell which one it was.
        matches = [hmac.compare_digest(given, hmac.digest(secret, content, "sha256")) for secret in self._values]
        return any(matches)


def seconds_of(timestamp: str) -> int | None:
    """
    Return a timestamp's seconds since 1970, or None where it is no such number.

    >>> seconds_of("1714619045"), seconds_of("1714619045.5"), seconds_of("-1")
    (1714619045, None, None)
    """
    return int(timestamp) if _SECONDS.fullmatch(timestamp) else None

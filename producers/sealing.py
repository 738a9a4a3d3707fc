"""
Sealing: what only the region's own key opens again (AES-256-GCM, NIST SP 800-38D), by a key made of the pseudonyms' (HKDF, RFC 5869).

Why: a record that could not become an event names people, and must still be there for whoever mends it.
Must not: keep or show a key; choose a nonce (the shell does); close more than 2^32 records with one key, the bound of random nonces.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from producers.faults import SealForeign, SealOfAnotherKey

__all__ = ["NONCE_BYTES", "Seal"]

NONCE_BYTES = 12
_INFO = b"muara/quarantine/1"
_KEY_BYTES = 32


class Seal:
    """Closes and opens with one version of the key; `previous` opens what was closed with an older one, while keys are rotated."""

    __slots__ = ("_cipher", "_previous", "version")

    def __init__(self, key: bytes, version: int, previous: "Seal | None" = None) -> None:
        """Make the key from that of pseudonyms."""
        self._cipher = AESGCM(HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_INFO).derive(key))
        self.version, self._previous = version, previous

    def __repr__(self) -> str:
        """Tell the version, and nothing else."""
        return f"Seal(version {self.version})"

    @property
    def rotates(self) -> bool:
        """Whether there is an older key beside this one."""
        return self._previous is not None

    def closed(self, content: bytes, about: bytes, nonce: bytes) -> bytes:
        """Return content sealed, 28 bytes longer than it; `about` is not in it and must be given again, `nonce` must never come again."""
        return nonce + self._cipher.encrypt(nonce, content, about)

    def opened(self, sealed: bytes, about: bytes, version: int) -> bytes:
        """Return what was sealed with a version of the key; raises `SealOfAnotherKey`, or `SealForeign` where it was not sealed so."""
        if version != self.version:
            if self._previous is None:
                raise SealOfAnotherKey(version=version, held=self.version)
            return self._previous.opened(sealed, about, version)
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except (InvalidTag, ValueError):  # the latter for a nonce that is too short
            raise SealForeign(version=version) from None

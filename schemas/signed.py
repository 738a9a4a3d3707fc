"""
Who answers for a repair: what both sides keep of the person, in the audit beside what was repaired.

Why: an adapter's audit and the office's must be able to be laid beside each other.
Must not: hold more of a person than the name given by themselves, and that of the account.
"""

from dataclasses import dataclass

__all__ = ["Signed"]


@dataclass(frozen=True, slots=True)
class Signed:
    """Who repairs and why: the person named, the account of the process, the reason, and the repair's file by name and SHA-256."""

    by: str
    account: str
    reason: str
    file_name: str
    file_digest: bytes

"""Fixtures that every test may ask for: the embedded services, one set for the session."""

from tests.embedded import services

__all__ = ["services"]

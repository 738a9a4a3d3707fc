"""Fixtures that every test may ask for: the embedded services, one set for the session."""

from hypothesis import HealthCheck, settings

from tests.embedded import services

__all__ = ["services"]

settings.register_profile("muara", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("muara")  # how long an example takes says something of the machine, nothing of the law

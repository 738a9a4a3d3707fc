"""
The real Kafka, schema registry and PostgreSQL, from packages, for one machine: the demo, the tests, the laptop.

Why: nothing has to be installed before, and what is tried here is what runs on a cluster.
Must not: be needed on a cluster: with MUARA_KAFKA, MUARA_REGISTRY and MUARA_DATABASE set, nothing here starts.
"""

from deploy.embedded.progress import Bars, Lines, Progress, Silent, progress_for
from deploy.embedded.repository import Repository
from deploy.embedded.server import Server
from deploy.embedded.services import Addresses, EmbeddedServices, running

__all__ = ["Addresses", "Bars", "EmbeddedServices", "Lines", "Progress", "Repository", "Server", "Silent", "progress_for", "running"]

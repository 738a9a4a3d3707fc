"""
Apicurio Registry, which speaks Confluent's protocol, on the Java runtime of a wheel, its schemas in PostgreSQL.

Why: of the registries tried it is the one that comes from a package repository and survives `kill -9` without giving an id twice.
Must not: keep its schemas in a file of H2, which loses the last second; or listen beyond the loopback interface.
"""

import signal
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.account import make_folder
from deploy.embedded.java import Java
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.postgres import USER, Postgres
from deploy.embedded.server import Command

__all__ = ["Registry"]

OPTIONS = ["-Xmx160m", "-Xss512k", "-XX:+ExitOnOutOfMemoryError"]
"""160 MB of heap are enough for some thousand schemas."""
PROGRAM = "io.quarkus.runner.GeneratedMain"


@dataclass(frozen=True, slots=True)
class Registry:
    """A `Program`."""

    folder: Path
    port: int
    management_port: int
    """For Quarkus' health and metrics, which would else stand open on port 9000 of every interface."""
    java: Java
    """The runtime with the registry's classes."""
    database: Postgres
    """Whose database `registry` keeps the schemas."""
    name: str = "the schema registry"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 8

    @property
    def address(self) -> str:
        """The URL for Confluent's client."""
        return f"http://{LOOPBACK}:{self.port}/apis/ccompat/v7"

    def prepare(self) -> None:
        """Make its folder; the database is PostgreSQL's to make."""
        make_folder(self.folder / "tmp", 0o700)

    def command(self) -> Command:
        """Return what to run."""
        logs = ["-Dquarkus.log.level=WARN", "-Dquarkus.http.access-log.enabled=false"]
        logs.append("-Djava.util.logging.manager=org.jboss.logmanager.LogManager")
        line = self.java.line([*OPTIONS, f"-Djava.io.tmpdir={self.folder / 'tmp'}", *logs], PROGRAM, listing=self.listing)
        return Command(line, self._environ())

    @property
    def listing(self) -> Path:
        """Where the loaded classes are listed while there is no archive of them."""
        return self.folder / "classes"

    def ready(self) -> bool:
        """Ask for the subjects."""
        import httpx2  # noqa: PLC0415 - whoever only asks for addresses imports this module, too

        try:
            return httpx2.get(f"{self.address}/subjects", timeout=2, trust_env=False).is_success
        except httpx2.TransportError:
            return False

    def _environ(self) -> dict[str, str]:
        return {
            "QUARKUS_HTTP_HOST": LOOPBACK,
            "QUARKUS_HTTP_PORT": str(self.port),
            "QUARKUS_MANAGEMENT_HOST": LOOPBACK,
            "QUARKUS_MANAGEMENT_PORT": str(self.management_port),
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "postgresql",
            "APICURIO_DATASOURCE_URL": f"jdbc:postgresql://{LOOPBACK}:{self.database.port}/registry",
            "APICURIO_DATASOURCE_USERNAME": USER,
            "APICURIO_DATASOURCE_PASSWORD": self.database.password,
            "APICURIO_DATASOURCE_JDBC_INITIAL_SIZE": "2",
            "APICURIO_DATASOURCE_JDBC_MIN_SIZE": "2",
            "APICURIO_DATASOURCE_JDBC_MAX_SIZE": "5",
            # a restart of PostgreSQL passes unnoticed; while it is away, clients hear so after seconds, not minutes
            "QUARKUS_DATASOURCE_POSTGRESQL_JDBC_VALIDATE_ON_BORROW": "true",
            "APICURIO_STORAGE_CONNECTION_RETRY_MAX_ATTEMPTS": "4",
            "APICURIO_STORAGE_CONNECTION_RETRY_INITIAL_DELAY_MS": "200",
        }

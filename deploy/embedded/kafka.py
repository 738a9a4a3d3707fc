"""
Apache Kafka as one node, broker and controller at once, on the Java runtime of a wheel.

Why: the real broker behaves like the real broker; its settings here are those of a laptop, small and quick to come back.
Must not: make topics (they are made by name, with their own settings) or listen beyond the loopback interface.
"""

import base64
import signal
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.account import make_folder
from deploy.embedded.errors import ToolFailed
from deploy.embedded.java import Java
from deploy.embedded.ports import LOOPBACK, listening
from deploy.embedded.processes import recorded
from deploy.embedded.server import Command

__all__ = ["Kafka"]

HEAP = ["-Xms256m", "-Xmx512m"]
"""512 topics of one partition fit in 250 MB resident; less heap and the log cleaner fails, more is never given back."""

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={logs}

# one node: nothing to replicate to
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1

# the statements are the truth: kept for ever, in topics that somebody named
log.retention.ms=-1
log.preallocate=false
auto.create.topics.enable=false
delete.topic.enable=true

# back after kill -9 in 4 s instead of 12: the controller forgets the broker's last session sooner
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
# a log that grows twice a second by records that say nothing serves who watches how far followers lag: here there are none
metadata.max.idle.interval.ms=0

# small: two cores, 514 topics
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=2097152
log.index.size.max.bytes=1048576
"""

LOG4J = """\
status = warn
shutdownHook = disable
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c{1})%n%throwable{20}
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.start.name = kafka.server
logger.start.level = info
logger.values.name = kafka.server.KafkaConfig
logger.values.level = warn
logger.settings.name = org.apache.kafka.common.config
logger.settings.level = warn
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A `Program`."""

    folder: Path
    port: int
    controller_port: int
    java: Java
    """The runtime with the broker's classes."""
    name: str = "Kafka"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 15

    @property
    def address(self) -> str:
        """The bootstrap address."""
        return f"{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Write the settings; give the first start a cluster id."""
        make_folder(self.folder / "tmp", 0o700)
        settings = {"host": LOOPBACK, "port": self.port, "controller_port": self.controller_port, "logs": self.folder / "data"}
        self._settings.write_text(PROPERTIES.format(**settings), encoding="utf-8")
        self._log4j.write_text(LOG4J, encoding="utf-8")
        formatted = self.folder / "cluster"
        if not formatted.exists():
            cluster = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
            self._format(cluster)
            formatted.write_text(cluster, encoding="utf-8")

    def command(self) -> Command:
        """Return what to run."""
        options = [*HEAP, "-XX:+ExitOnOutOfMemoryError", *self._system_properties]
        return Command(self.java.line(options, "kafka.Kafka", str(self._settings), listing=self.listing))

    def ready(self) -> bool:
        """Ask for metadata, and see the broker in it, which means that the controller lets it serve."""
        if not listening(self.port):  # or the client would complain in our output
            return False
        from confluent_kafka import KafkaException  # noqa: PLC0415 - whoever only asks for addresses imports this module, too
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        try:
            return len(client.list_topics(timeout=1).brokers) == 1
        except KafkaException:
            return False

    @property
    def listing(self) -> Path:
        """Where the loaded classes are listed while there is no archive of them."""
        return self.folder / "classes"

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log4j(self) -> Path:
        return self.folder / "log4j2.properties"

    def _format(self, cluster: str) -> None:
        storage = ["format", "--ignore-formatted", "--cluster-id", cluster, "--config", str(self._settings)]
        line = self.java.line(["-Xmx64m", *self._system_properties], "kafka.tools.StorageTool", *storage)
        done = subprocess.run(recorded(self.folder, line), env={}, capture_output=True, text=True, check=False)  # noqa: S603 - the line is ours
        if done.returncode != 0:
            raise ToolFailed(tool="kafka.tools.StorageTool", code=done.returncode, said=done.stdout + done.stderr)

    @property
    def _system_properties(self) -> list[str]:
        return [f"-Djava.io.tmpdir={self.folder / 'tmp'}", f"-Dlog4j2.configurationFile={self._log4j}", "-Djava.awt.headless=true"]

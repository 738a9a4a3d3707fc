"""
Servers that were given to the demo by MUARA_DATABASE and MUARA_KAFKA: played on only where they are empty.

Why: on somebody's own servers nothing may be wiped, and figures of invented households must not mix with true ones.
Must not: change anything there.
"""

import psycopg

from deploy.commands.context import DatabaseRefuses
from processors.broker import Broker
from schemas.errors import Fatal
from schemas.topics import INDICATOR_TOPIC

__all__ = ["DatabaseInUse", "KafkaInUse", "refuse_used"]

_OURS = INDICATOR_TOPIC.split(".", maxsplit=1)[0] + "."


class DatabaseInUse(Fatal):
    """the database of MUARA_DATABASE holds {count} tables, such as {table}: the demo plays only in an empty one, so make one for it"""


class KafkaInUse(Fatal):
    """Kafka at MUARA_KAFKA has {count} topics of Muara, such as {topic}: the demo plays only on a cluster without them"""


def refuse_used(kafka: str | None, database: str | None) -> None:
    """Raise `DatabaseInUse` or `KafkaInUse` where what was given is not empty; None is a server that the demo starts for itself."""
    if database is not None:
        _refuse_tables(database)
    if kafka is not None and (topics := sorted(name for name in Broker(kafka).topics() if name.startswith(_OURS))):
        raise KafkaInUse(count=len(topics), topic=topics[0])


def _refuse_tables(database: str) -> None:
    try:
        with psycopg.connect(database, autocommit=True, connect_timeout=5) as connection:
            tables = connection.execute(
                "select schemaname || '.' || tablename from pg_tables"
                " where schemaname not in ('pg_catalog', 'information_schema') order by schemaname, tablename"
            ).fetchall()
    except psycopg.OperationalError as error:
        raise DatabaseRefuses(why=type(error).__name__) from error
    if tables:
        raise DatabaseInUse(count=len(tables), table=tables[0][0])

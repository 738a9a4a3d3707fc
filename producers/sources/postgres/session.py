"""
Connections to the source's server: opened late, dropped at the first fault, and every fault told as what must happen next.

Why: a server that goes away, refuses us or takes too long is waited for, visibly, and nothing is read by halves.
Must not: let the connection string, or a server's own message, into an error: either may hold what nobody else may see.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import pq
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import TextLoader

from producers.faults import SourceAway, SourceRefuses, SourceUnready

__all__ = ["Connection", "Session"]

Connection = psycopg.Connection[tuple[Any, ...]]
_REFUSED_WAIT_S = 10.0
_SETTINGS: LiteralString = (
    "set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601'; set timezone = 'UTC'; set bytea_output = 'hex';"
    " set extra_float_digits = 1; set client_min_messages = 'warning'; set default_transaction_read_only = on; set jit = off"
)
"""One form of every value, whatever the server's settings: pgoutput and tables write text as the session is told to."""
_CLASSES = {
    "08": "the connection broke",
    "53": "the server lacks room or connections",
    "57": "the server is going down, or ended our question",
    "58": "the server's own disk or log fails",
}
_CODES = {
    "55006": "the replication slot is in use by another process: does a second adapter read it?",
    "57014": "a question took longer than timeout_s",
    "40001": "the server asks to try again",
    "40P01": "the server asks to try again",
}
_REFUSALS = ("28", "3D000")
_LOST = "55000"
"""object_not_in_prerequisite_state: the slot was invalidated, or the server's settings changed under it."""


class _AnyText(Loader):
    """Text of a server without an encoding: what is no UTF-8 is told as such by the mapping, for its own record alone."""

    def load(self, data: Any) -> str:  # noqa: ANN401 - a buffer
        return bytes(data).decode("utf-8", "surrogateescape")


class Session:
    """Two connections to one database: one reads the log in an open transaction, the other asks all else. Used by one thread."""

    def __init__(self, dsn_env: str, environ: Mapping[str, str], timeout_s: float) -> None:
        """Know which variable holds the connection string; nothing is opened."""
        self._dsn_env, self._environ, self._timeout_s = dsn_env, environ, timeout_s
        self._open: dict[str, Connection] = {}
        self.address = _address(environ.get(dsn_env, ""))
        """Host, port and database, for people."""

    def tables(self) -> Connection:
        """Return the connection for tables, in autocommit mode, every value as the text that PostgreSQL writes."""
        return self._connection("tables", _as_text)

    def log(self) -> Connection:
        """Return the connection for the log."""
        return self._connection("log", lambda _: None)

    def drop(self) -> None:
        """Close the connections; they are opened again when they are asked for."""
        for name in list(self._open):
            self._open.pop(name).close()

    @property
    def is_open(self) -> bool:
        """Whether we are connected."""
        return bool(self._open)

    def away(self, why: str, wait_s: float = 0.0) -> SourceAway:
        """Return the fault of a source that is to be asked again."""
        return SourceAway(address=self.address, why=why, wait_s=wait_s)

    def unready(self, why: str) -> SourceUnready:
        """Return the fault of a source that a person must prepare first."""
        return SourceUnready(address=self.address, why=why, wait_s=_REFUSED_WAIT_S)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turn every fault of the driver into one of a source, by its SQLSTATE, and drop the connections."""
        try:
            yield
        except psycopg.Error as error:
            self.drop()
            raise self._told(error) from error
        except SourceAway:
            self.drop()
            raise

    def _told(self, error: psycopg.Error) -> SourceAway:
        code = error.sqlstate or ""
        if code.startswith(_REFUSALS):
            return self._refused(f"SQLSTATE {code}")
        if code == "42501":
            return self.unready("a privilege that we had is gone: grant select on its tables to the role again (SQLSTATE 42501)")
        if code == _LOST:
            return self.unready("the replication slot or wal_level is no longer as it was (SQLSTATE 55000)")
        if code[:2] in ("42", "22"):
            return self.unready(f"its tables are not as they were: has a column gone, or changed its type? (SQLSTATE {code})")
        why = _CODES.get(code) or _CLASSES.get(code[:2]) or (f"SQLSTATE {code}" if code else type(error).__name__)
        return self.away(why)

    def _refused(self, why: str) -> SourceRefuses:
        return SourceRefuses(address=self.address, why=why, names=self._dsn_env, wait_s=_REFUSED_WAIT_S)

    def _connection(self, name: str, prepare: Callable[[Connection], None]) -> Connection:
        found = self._open.get(name)
        if found is not None and not found.closed:
            return found
        made = self._connect()
        self._open[name] = made
        prepare(made)
        return made

    def _connect(self) -> Connection:
        dsn = self._environ.get(self._dsn_env, "")
        try:
            told = _patient(dsn)
        except psycopg.Error:
            raise self._refused("it is no connection string") from None
        try:
            made = psycopg.connect(told, autocommit=True)
        except psycopg.OperationalError:
            # libpq tells no SQLSTATE here, and its text is no ground to decide on: a server that answers has refused us.
            if pq.PGconn.ping(told.encode()) == pq.Ping.OK:
                raise self._refused("it answers, but does not let us in") from None
            raise self.away("no server answers") from None
        made.execute(f"{_SETTINGS}; set statement_timeout = {int(self._timeout_s * 1000)}")
        return made


def _patient(dsn: str) -> str:
    """Return a connection string whose connections notice within half a minute that nobody is there any more."""
    return make_conninfo(
        dsn,
        connect_timeout=10,
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=20_000,
        application_name="muara adapter",
        client_encoding="UTF8",
    )


def _address(dsn: str) -> str:
    """Return host, port and database of a connection string, without the rest."""
    try:
        told = conninfo_to_dict(dsn)
    except psycopg.Error:
        return "an unreadable connection string"
    host = told.get("host") or told.get("hostaddr") or "localhost"
    return re.sub(r"[^\w.:/,-]", "?", f"{host}:{told.get('port') or 5432}/{told.get('dbname') or ''}")


def _as_text(connection: Connection) -> None:
    """Let a connection give every value as text."""
    nameless = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
    loader = _AnyText if nameless else TextLoader
    for known in connection.adapters.types:
        connection.adapters.register_loader(known.oid, loader)
        if known.array_oid:
            connection.adapters.register_loader(known.array_oid, loader)
    connection.adapters.register_loader(0, loader)

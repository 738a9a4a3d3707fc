"""
What can go wrong with the embedded services, each with its place and remedy; all of them end the command.

Why: the newcomer meets these first, on a machine we have not seen: no traceback, one thing to do.
Must not: carry a password.
"""

from schemas.errors import Fatal

__all__ = [
    "AlreadyRunning",
    "CannotBecomeNobody",
    "CorruptDownload",
    "DownloadFailed",
    "FolderNotMade",
    "FolderNotOurs",
    "MadeByAnotherPostgres",
    "NoPortFree",
    "NotEmbedded",
    "NotInRepository",
    "OnlyLinux",
    "PortTaken",
    "ServerEnded",
    "ServerNotReady",
    "ServerNotRunning",
    "StartInterrupted",
    "ToolFailed",
]


class AlreadyRunning(Fatal):
    """the services in {folder} belong to process {pid}, which is running: stop that (Ctrl-C, or `kill {pid}`), or use another directory."""


class CorruptDownload(Fatal):
    """{coordinate} arrived with SHA-256 {found} instead of {expected}, twice: something between here and {url} alters it."""


class DownloadFailed(Fatal):
    """{coordinate} could not be fetched from {url} ({why}): check the network, or name a mirror of Maven Central in MUARA_MAVEN."""


class NotInRepository(Fatal):
    """{url} answers {status} for {coordinate}: name a complete mirror of Maven Central in MUARA_MAVEN."""


class FolderNotMade(Fatal):
    """the folder {folder} cannot be made or written ({why}): free the path, or work in another directory."""


class FolderNotOurs(Fatal):
    """the folder {folder} belongs to user {owner}, and this is user {user}: run as that user, or use another directory."""


class CannotBecomeNobody(Fatal):
    """PostgreSQL refuses root, and this root may not become `nobody` ({why}): run as a user, or set MUARA_DATABASE."""


class MadeByAnotherPostgres(Fatal):
    """the database in {folder} was made by PostgreSQL {made_by}, and this is {program}: install that one again, or start with --fresh."""


class NotEmbedded(Fatal):
    """{server} was not started by this process: it uses the one at {address}."""


class OnlyLinux(Fatal):
    """the embedded services run on Linux only, not on {system}: name your own in MUARA_KAFKA, MUARA_REGISTRY and MUARA_DATABASE."""


class ServerEnded(Fatal):
    """
    {server} has ended by itself with exit code {code}; the end of its log {log}.

    {tail}
    """


class PortTaken(ServerEnded):
    """
    {server} found its port in use by another program: see what listens there, or start again. The end of its log {log}.

    {tail}
    """


class NoPortFree(Fatal):
    """none of the ports from {first} to {last} is free: end what listens there."""


class ServerNotReady(Fatal):
    """
    {server} did not answer within {limit_s} s; the end of its log {log}.

    {tail}
    """


class ServerNotRunning(Fatal):
    """{server} is not running: start it first."""


class StartInterrupted(Fatal):
    """the start of {server} was given up, because another server failed or the command was interrupted."""


class ToolFailed(Fatal):
    """
    {tool} failed with exit code {code}.

    {said}
    """

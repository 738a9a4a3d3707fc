"""
The one settings object of every command, made from the environment here and nowhere else.

Why: the same commands work on a laptop (embedded services) and on a cluster (addresses given), and a mistyped name is told.
Must not: let a secret into a repr or an error.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from schemas.errors import Fatal

__all__ = ["SECRETS", "Settings", "SettingsWrong", "listed", "meant_by"]

_PREFIX = "MUARA_"
SECRETS = ("MUARA_PSEUDONYM_KEY", "MUARA_PSEUDONYM_PREVIOUS_KEY")
"""Variables that nobody but an adapter's own process may see."""
_OF_OTHERS = (
    "MUARA_CACHE",
    "MUARA_MAVEN",
    *(f"{key}{part}" for key in SECRETS for part in ("", "_FILE", "_VERSION", "_VERSION_FILE")),
)
"""Names that other parts read: downloads, pseudonyms. Any other belongs to a region file, which names its variables as it likes."""
_SERVER = re.compile(r"(?!https?:)([A-Za-z_]+://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
"""A broker; librdkafka takes a protocol before it, too."""
_URL = re.compile(r"https?://[^/\s]+(/\S*)?", re.IGNORECASE)
_NEAR = 0.8
"""Likeness from which a name is a mistyped setting: MUARA_KAFCA is; from 0.77 down a region's MUARA_BONE_DATABASE would be, too."""


class SettingsWrong(Fatal):
    """the settings have mistakes:{mistakes}"""


class Settings(BaseModel):
    """What every command is told by the environment: `MUARA_` and the field's name in capitals; `muara --help` lists it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kafka: str | None = Field(None, description="bootstrap servers of a Kafka cluster")
    kafka_settings: Path | None = Field(None, description="file with TLS and credentials for both")
    registry: str | None = Field(None, description="URL of a Confluent-compatible schema registry")
    database: SecretStr | None = Field(None, description="DSN of a PostgreSQL 18 database")
    directory: Path = Field(Path(".muara"), description="where local data lies")
    household_size: int = Field(100, ge=1, le=10_000, description="members beyond which an event is rejected")
    days_ahead: int = Field(1, ge=1, le=366, description="days that a date may lie after its record's arrival")
    spool_mb: int = Field(512, ge=1, description="megabytes at which an adapter's spool is full")
    log: str = Field("text", pattern="^(text|json)$", description="form of log lines: text or json")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings of an environment; raises `SettingsWrong` with every mistake, each under the name that was typed."""
        ours = [name for name in environ if name.startswith(_PREFIX)]
        mistakes = [f"{name} is no setting: is {meant} meant?" for name in ours if (meant := meant_by(name))]
        typed = {field: environ[name] for field in cls.model_fields if (name := _PREFIX + field.upper()) in environ}
        try:
            made = cls(**typed)  # type: ignore[arg-type]  # text, which pydantic turns into what the fields are
        except ValidationError as error:
            mistakes += [_told(one["loc"], one["msg"]) for one in error.errors()]
        else:
            if not mistakes:
                return made
        raise SettingsWrong(mistakes=f" {mistakes[0]}" if len(mistakes) == 1 else "".join(f"\n{one}" for one in mistakes))

    @field_validator("kafka")
    @classmethod
    def _are_servers(cls, given: str | None) -> str | None:
        """Refuse what are no host:port."""
        if given and not all(_SERVER.fullmatch(one.strip()) for one in given.split(",")):
            raise ValueError("is no list of servers such as broker:9092,another:9092")
        return given

    @field_validator("registry")
    @classmethod
    def _is_url(cls, given: str | None) -> str | None:
        """Refuse what is no address over HTTP; it may hold a password, so it is not told."""
        if given and not _URL.fullmatch(given):
            raise ValueError("is no address such as http://registry:8081")
        return given

    @field_validator("database")
    @classmethod
    def _can_be_read(cls, given: SecretStr | None) -> SecretStr | None:
        """Refuse what libpq cannot read; its own words may hold the password, so they are not told."""
        from psycopg import ProgrammingError  # noqa: PLC0415 - only where an address is given: an adapter needs no driver
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

        try:
            conninfo_to_dict(given.get_secret_value() if given else "")
        except ProgrammingError:
            raise ValueError("is no DSN such as postgresql://user:password@host:5432/name") from None
        return given


def meant_by(name: str) -> str | None:
    """
    Return the setting that a name is probably meant to be; None for a setting, and for what a region file may name.

    >>> meant_by("MUARA_KAFCA"), meant_by("MUARA_KAFKA_URL"), meant_by("MUARA_KAFKA"), meant_by("MUARA_SUMEDANG_URL")
    ('MUARA_KAFKA', 'MUARA_KAFKA', None, None)
    """
    known = {one.removeprefix(_PREFIX): one for one in (*(_PREFIX + field.upper() for field in Settings.model_fields), *_OF_OTHERS)}
    if name in known.values():
        return None
    typed = name.removeprefix(_PREFIX).upper()
    near = get_close_matches(typed, known, 1, _NEAR)
    near += [one for one in known if one.split("_")[0] == typed.split("_")[0]]
    return known[near[0]] if near else None


def listed() -> str:
    """Return every setting on a line of its own: name, what it is, and its default in brackets where it has one."""
    lines = (
        f"{_PREFIX + name.upper():21} {field.description}" + (f" [{field.default}]" if field.default is not None else "")
        for name, field in Settings.model_fields.items()
    )
    return "\n".join(lines)


def _told(place: tuple[int | str, ...], message: str) -> str:
    words = message.removeprefix("Value error, ")
    return f"{_PREFIX}{str(place[0]).upper()}: {words[0].lower()}{words[1:]}"

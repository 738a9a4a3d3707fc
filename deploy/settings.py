"""
The one settings object of every command, made from the environment here and nowhere else.

Why: the same commands work on a laptop (embedded services) and on a cluster (addresses given), and a mistyped name is told.
Must not: let a secret into a repr or an error.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from schemas.errors import Fatal

__all__ = ["Settings", "SettingsWrong", "listed"]

_PREFIX = "MUARA_"
_OF_OTHERS = ("MUARA_CACHE", "MUARA_MAVEN", "MUARA_PSEUDONYM_KEY", "MUARA_PSEUDONYM_KEY_FILE", "MUARA_CARIK_", "MUARA_SDDD_")
"""Names (or beginnings of names) that other parts read: downloads, adapters, region files."""


class SettingsWrong(Fatal):
    """
    the settings have mistakes:
    {mistakes}
    """


class Settings(BaseModel):
    """What every command is told by the environment: `MUARA_` and the field's name in capitals; `muara --help` lists it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kafka: str | None = Field(None, description="bootstrap servers of a Kafka cluster")
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
        typed = {
            name.removeprefix(_PREFIX).lower(): value
            for name, value in environ.items()
            if name.startswith(_PREFIX) and not name.startswith(_OF_OTHERS)
        }
        try:
            return cls(**typed)  # type: ignore[arg-type]  # text, which pydantic turns into what the fields are
        except ValidationError as error:
            raise SettingsWrong(mistakes="\n".join(_told(one["loc"], one["msg"]) for one in error.errors())) from None


def listed() -> str:
    """Return every setting on a line of its own: name, what it is, and its default in brackets where it has one."""
    lines = (
        f"{_PREFIX + name.upper():21} {field.description}" + (f" [{field.default}]" if field.default is not None else "")
        for name, field in Settings.model_fields.items()
    )
    return "\n".join(lines)


def _told(place: tuple[int | str, ...], message: str) -> str:
    name = _PREFIX + str(place[0]).upper()
    if message == "Extra inputs are not permitted":
        near = get_close_matches(name, [_PREFIX + one.upper() for one in Settings.model_fields], 1)
        return f"{name} is no setting" + (f": is {near[0]} meant?" if near else "")
    return f"{name}: {message[0].lower()}{message[1:]}"

"""The settings: a region names its variables as it likes, and a mistyped setting is told."""

import re

import pytest

from deploy.reference.regions import kemendagri_names
from deploy.settings import Settings, SettingsWrong

OF_A_REGION = ("URL", "FOLDER", "DATABASE", "CLIENT_ID", "CLIENT_SECRET", "KEY", "TOKEN")


def test_every_region_can_name_variables_after_itself() -> None:
    """Of every province and regency, MUARA_<its name>_URL and the like are no mistakes: a region is one file and no code."""
    words = {re.sub("[^A-Z]+", "_", name.upper()) for code, name in kemendagri_names().items() if code.count(".") < 2}
    words |= {name.removeprefix("KABUPATEN_").removeprefix("KOTA_") for name in words}
    named = [f"MUARA_{name}_{what}" for name in words for what in OF_A_REGION]

    assert "MUARA_SUMEDANG_URL" in named
    assert len(named) > 7 * 550
    Settings.from_environ(dict.fromkeys(named, "x"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("MUARA_KAFCA", "MUARA_KAFKA"),
        ("MUARA_KAFKA_URL", "MUARA_KAFKA"),
        ("MUARA_DATABSE", "MUARA_DATABASE"),
        ("MUARA_REGISTRY_URL", "MUARA_REGISTRY"),
        ("MUARA_HOUSEHOLDSIZE", "MUARA_HOUSEHOLD_SIZE"),
        ("MUARA_DAYS", "MUARA_DAYS_AHEAD"),
        ("MUARA_SPOOL_SIZE", "MUARA_SPOOL_MB"),
        ("MUARA_LOGS", "MUARA_LOG"),
        ("MUARA_kafka", "MUARA_KAFKA"),
        ("MUARA_PSEUDONYM_KEYFILE", "MUARA_PSEUDONYM_KEY_FILE"),
        ("MUARA_PSEUDONYM_KEY_VERSIONS", "MUARA_PSEUDONYM_KEY_VERSION"),
        ("MUARA_CACHES", "MUARA_CACHE"),
    ],
)
def test_a_name_close_to_a_setting_is_a_mistake(typed: str, meant: str) -> None:
    """A name that is nearly a setting, or begins with a word of one, is told with the one that may be meant."""
    with pytest.raises(SettingsWrong) as told:
        Settings.from_environ({typed: "x"})

    assert f"{typed} is no setting: is {meant} meant?" in str(told.value)


def test_every_mistake_is_told_at_once() -> None:
    """Names and values that are wrong are told together."""
    with pytest.raises(SettingsWrong) as told:
        Settings.from_environ({"MUARA_KAFCA": "x", "MUARA_DAYS_AHEAD": "0", "MUARA_LOGS": "x", "MUARA_LOG": "xml"})

    assert str(told.value).count("\n") == 4


def test_names_of_other_parts_are_left_to_them() -> None:
    """Variables of downloads and pseudonyms are no mistakes here."""
    others = ("MUARA_CACHE", "MUARA_MAVEN", "MUARA_PSEUDONYM_KEY", "MUARA_PSEUDONYM_KEY_FILE", "MUARA_PSEUDONYM_KEY_VERSION")

    assert Settings.from_environ(dict.fromkeys(others, "x")) == Settings.from_environ({})

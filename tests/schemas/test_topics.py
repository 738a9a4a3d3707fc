"""Names of topics and subjects are made and read in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import INDICATOR_TOPIC, NotAHouseholdTopic, household_topic, regency_of, rejected_topic, subject_of

REGENCIES = st.from_regex(r"[0-9]{2}\.[0-9]{2,3}", fullmatch=True)


@given(REGENCIES)
def test_a_regency_is_read_from_its_topic(regency: str) -> None:
    """The regency in a topic's name comes back, and a dead letter's topic is not taken for it."""
    assert regency_of(household_topic(regency)) == regency
    with pytest.raises(NotAHouseholdTopic, match=r"rejected\.v1 is not the name of a topic of household changes"):
        regency_of(rejected_topic(regency))


@pytest.mark.parametrize(
    "topic", ["", INDICATOR_TOPIC, "muara..household.v1", "muara.household.v1", "x.muara.31.74.household.v1", "muara.31.74.household.v2"]
)
def test_other_topics_are_not_ours(topic: str) -> None:
    """Anything but muara.<regency>.household.v1 is told, not guessed at."""
    with pytest.raises(NotAHouseholdTopic):
        regency_of(topic)


def test_names_that_rights_are_granted_by() -> None:
    """These names are in access lists outside; they may not change."""
    assert household_topic("31.74") == "muara.31.74.household.v1"
    assert rejected_topic("31.74") == "muara.31.74.rejected.v1"
    assert INDICATOR_TOPIC == "muara.indicator.v1"
    assert subject_of(household_topic("31.74")) == "muara.31.74.household.v1-value"

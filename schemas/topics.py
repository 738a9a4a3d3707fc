"""
The names of topics and subjects, in one place.

Why: access is granted region by region, by name, so a name is contract.
Must not: talk to Kafka.
"""

from schemas.errors import Fatal

__all__ = ["INDICATOR_TOPIC", "NotAHouseholdTopic", "household_topic", "regency_of", "rejected_topic", "subject_of"]

INDICATOR_TOPIC = "muara.indicator.v1"
_PREFIX, _HOUSEHOLD, _REJECTED = "muara.", ".household.v1", ".rejected.v1"


class NotAHouseholdTopic(Fatal):
    """{topic} is not the name of a topic of household changes: expected muara.<regency>.household.v1"""


def household_topic(regency: str) -> str:
    """
    Return the topic that carries one regency's household changes.

    >>> household_topic("31.74")
    'muara.31.74.household.v1'
    """
    return f"{_PREFIX}{regency}{_HOUSEHOLD}"


def rejected_topic(regency: str) -> str:
    """
    Return the topic that carries what was rejected of one regency.

    >>> rejected_topic("31.74")
    'muara.31.74.rejected.v1'
    """
    return f"{_PREFIX}{regency}{_REJECTED}"


def regency_of(topic: str) -> str:
    """
    Return the regency whose household changes a topic carries; raise `NotAHouseholdTopic` for any other topic.

    >>> regency_of("muara.31.74.household.v1")
    '31.74'
    """
    if not (topic.startswith(_PREFIX) and topic.endswith(_HOUSEHOLD) and len(topic) > len(_PREFIX) + len(_HOUSEHOLD)):
        raise NotAHouseholdTopic(topic=topic)
    return topic[len(_PREFIX) : -len(_HOUSEHOLD)]


def subject_of(topic: str) -> str:
    """
    Return the registry's subject for the values of a topic (TopicNameStrategy, set explicitly everywhere).

    >>> subject_of("muara.indicator.v1")
    'muara.indicator.v1-value'
    """
    return f"{topic}-value"

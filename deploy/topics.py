"""
The topics of regencies and their schemas, made together.

Why: regions get no right to make any, so all of it is there before the first event.
Must not: change a topic that exists.
"""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from processors.broker import BrokerAway
from processors.publish.topics import make_missing, unfit
from schemas.errors import Fatal
from schemas.registry import Registry
from schemas.topics import INDICATOR_TOPIC, household_topic, rejected_topic

__all__ = ["TopicsNotMade", "TopicsUnfit", "make_topics"]

AT_ONCE = 8
"""Registrations on their way; a registry answers each in tens of milliseconds, of which it works a fraction."""

Progress = Callable[[int, int], None]
"""Told how many schemas of how many are registered."""


class TopicsNotMade(Fatal):
    """Kafka at {address} does not make topics ({why}): check the address and the right to create topics"""


class TopicsUnfit(Fatal):
    """{topic} has {wrong}{more}: alter that, or records vanish and a replay judges dates otherwise (all else is made)"""


def make_topics(kafka: str, registry: str, regencies: Collection[str], replicas: int = 1, progress: Progress | None = None) -> list[str]:
    """
    Make what is missing of the regencies' topics and the indicator topic, register their schemas, and return the topics made.

    Rejected events' schemas are left to the publisher, which registers each with its regency's first one. Raises `TopicsNotMade`, and
    `TopicsUnfit` where a topic that was there is not as it must be.
    """
    households = [household_topic(regency) for regency in regencies]
    wanted = [INDICATOR_TOPIC, *households, *(rejected_topic(regency) for regency in regencies)]
    try:
        made = make_missing(kafka, wanted, replicas)
        wrong = unfit(kafka, set(wanted) - set(made))
    except BrokerAway as error:
        raise TopicsNotMade(address=kafka, why=error.facts["why"]) from error
    _register(registry, {INDICATOR_TOPIC: "IndicatorPublished"} | dict.fromkeys(households, "HouseholdChanged"), progress)
    if wrong:
        topic = min(wrong)
        raise TopicsUnfit(topic=topic, wrong=wrong[topic], more=f" (and {len(wrong) - 1} more topics likewise)" if len(wrong) > 1 else "")
    return made


def _register(registry: str, schemas: dict[str, str], progress: Progress | None) -> None:
    with closing(Registry(registry)) as client, ThreadPoolExecutor(AT_ONCE) as several:
        for done, _ in enumerate(several.map(client.register, schemas.keys(), schemas.values()), 1):
            if progress:
                progress(done, len(schemas))

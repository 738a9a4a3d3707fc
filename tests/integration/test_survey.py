"""A survey whose figures others have computed goes through Kafka, a worker and the fold, and comes out with those figures."""

import random
from datetime import date
from fractions import Fraction

from deploy.embedded import EmbeddedServices
from processors.store.fold import Folder
from processors.store.reference_sheets import LineRow
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.integration.workers import working
from tests.processors.indicators.test_catalogue import KNOWN, survey

SINCE = date(2020, 1, 1)
_GREATEST = 10_000
"""The size limit's own greatest: a row of the survey is a household of as many people as it stands for, 5,274 at most."""


def test_the_survey_comes_out_with_its_known_figures(services: EmbeddedServices) -> None:
    """Two thousand rows as events in random order, some twice, some wrong first: p0, p1, p2 and Watts in SQL are right to six digits."""
    rows = survey()
    line = LineRow("national", "99", "all", SINCE, round(sum((one[1] for one in rows), Fraction(0)) / len(rows)), "the survey's mean")
    stage = Stage.set(services, 1, [line])
    with stage.connect() as office:
        office.execute("update reference_version set household_size = %s", (_GREATEST,))
    (regency,) = stage.regencies
    village = {"urban": f"{regency}.01.1001", "rural": f"{regency}.01.2001"}
    said = []
    for number, (weight, welfare, area) in enumerate(rows):
        right = changed(
            household_key(("survey", number)),
            regency,
            village=village[area],
            size=weight,
            expenditure=weight * round(welfare),
            valid_from=SINCE,
            revision=2,
        )
        wrong = changed(right.household, regency, village=village["urban"], size=1, expenditure=10**9, valid_from=SINCE)
        said += [right] * (1 + number % 2) + [wrong] * (number % 3 == 0)
    random.Random(11).shuffle(said)  # noqa: S311 - an order, not a secret

    with working(stage, 1, batch_records=500):
        stage.send(said)
        stage.drained()
    folder = Folder(stage.database)
    try:
        assert folder.activate()
        while folder.fold() is not None:
            pass
    finally:
        folder.close()
    with stage.connect() as office:
        found = office.execute(
            "select p0, p1, p2, watts from indicator where region = %s and urbanisation = 'all' and month = %s", (regency, SINCE)
        ).fetchone()

    assert found is not None
    assert {name: round(float(value), 6) for name, value in zip(KNOWN, found, strict=True)} == {
        name: round(value, 6) for name, value in KNOWN.items()
    }

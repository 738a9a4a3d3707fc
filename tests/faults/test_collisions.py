"""Two workers that meet in one household: one of them collides and tries again, and nothing counts twice."""

from datetime import date

from deploy.embedded import EmbeddedServices
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import working

HOUSEHOLDS = 40


def test_partitions_that_touch_the_same_new_households_at_one_moment(services: EmbeddedServices) -> None:
    """
    Two workers that both read that households are not there yet, and then both write them, end exact.

    Nobody may write a household meanwhile, so both have read when the first writes.
    """
    stage = Stage.set(services, 2)
    households = [household_key(number) for number in range(HOUSEHOLDS)]
    with working(stage, 2, batch_records=1000) as workers:
        stage.shared_by(2)
        for turn in range(1, 3):  # in the first turn the households are new, in the second they are held
            with stage.connect() as holder, holder.transaction():
                holder.execute("lock table household in exclusive mode")
                stage.send(
                    changed(key, code, valid_from=date(2020, 2 * turn + place, 1), village=f"{code}.01.1001", size=turn + place)
                    for place, code in enumerate(stage.regencies)
                    for key in households
                )
                until(lambda: len(stage.transactions("waiting")) == 2, 20)
            stage.drained()

        assert workers.exits("worker 1") + workers.exits("worker 2") == []
    stage.assert_exact()

"""PostgreSQL's disk is full for a while: workers and publisher wait, say so in a word of its own, and end exact."""

import pytest

from deploy.embedded import EmbeddedServices
from tests.faults.publishing import publishing
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.integration.workers import working

TRIES = 3
FULL = f"""
create sequence tries;
create function refuse() returns trigger language plpgsql as $$
begin
    if nextval('tries') <= {TRIES} then
        raise exception 'could not extend file' using errcode = '53100';
    end if;
    return null;
end $$;
create constraint trigger full_disk after insert or update on {{table}} deferrable initially deferred
for each row execute function refuse();
"""
"""Commits that write to a table fail as on a full disk, so many times; a sequence is not rolled back with them."""


@pytest.mark.parametrize("table", ["ingest_offset", "cell", "outbox"])
def test_a_full_disk_is_waited_for(services: EmbeddedServices, table: str) -> None:
    """Whether a batch's commit or the fold's is refused, nothing of it counts, no process ends, and the log names the cause."""
    stage = Stage.set(services, 1)
    (code,) = stage.regencies
    with working(stage) as workers, publishing(stage) as published:
        stage.send([changed(household_key("before"), code, village=f"{code}.01.1001", size=2, expenditure=700_000)])
        stage.drained()
        published.assert_published()
        with stage.connect() as connection:
            connection.execute(FULL.format(table=table).encode())
        stage.send([changed(household_key(number), code, village=f"{code}.01.2001", size=3, expenditure=900_000) for number in range(50)])
        stage.drained()
        published.assert_published()

        told = workers.told() if table == "ingest_offset" else published.process.told()
        assert "PostgreSQL's disk is full" in told
        assert (workers.exits(), published.process.exits("publish")) == ([], [])
        with stage.connect() as connection:
            assert connection.execute("select last_value > %s from tries", (TRIES,)).fetchone() == (True,)
    stage.assert_exact()

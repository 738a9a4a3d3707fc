"""Keys are rotated while workers are killed: whatever name a source still speaks under, each household is held once, to the last digit."""

import signal
import time
from dataclasses import replace
from datetime import date

from deploy.embedded import EmbeddedServices
from processors.store.verify import verify
from schemas.events import HouseholdChanged, Operation
from tests.integration.events import Dice, changed, household_key, life
from tests.integration.stage import Stage, until
from tests.integration.workers import working
from tests.processors.store.office import fold_all
from tests.processors.store.rebuilding import rebuilt

CARDS, KILLS, SLICE = 150, 5, 60


def name(card: int, version: int) -> bytes:
    """Return the name of a card by the key of a version."""
    return household_key(("rotated", card, version))


def under(event: HouseholdChanged, card: int, version: int, previous: int | None = None) -> HouseholdChanged:
    """Return an event as an adapter says it that has one key, or the previous one beside it."""
    older = None if previous is None else name(card, previous)
    return replace(event, household=name(card, version), key_version=version, previous_household=older)


def lives(dice: Dice, stage: Stage, count: int) -> list[tuple[int, HouseholdChanged]]:
    """Return random events with the card of each."""
    cards = {household_key(card): card for card in range(CARDS)}
    return [(cards[event.household], event) for event in life(dice, stage.claims, list(cards), count)]


def assert_verified(stage: Stage) -> None:
    """Hold all against the law, against the second opinion, and against a replay from the first record."""
    stage.assert_exact()
    fold_all(stage.database)
    with stage.connect() as connection:
        assert verify(connection).exact
    assert rebuilt(stage).same


def test_workers_killed_in_the_midst_of_a_rotation(services: EmbeddedServices) -> None:
    """
    Three regencies rotate one after the other, while changes go on and one of two workers is killed again and again.

    The first has both keys from the beginning and sends everything again, the second follows, the third is still on the old key when
    the first has only the new one; families move between them all the while.
    """
    stage, dice = Stage.set(services, 3), Dice(23)
    first, second, third = stage.regencies
    everything: list[tuple[int, HouseholdChanged]] = []
    with working(stage, 2, batch_records=40) as workers:
        stage.shared_by(2)
        for phase in range(KILLS + 1):
            keys = {first: (2, 1) if phase < 4 else (2, None), second: (2, 1) if phase >= 2 else (1, None), third: (1, None)}
            if phase == KILLS:
                keys[third] = (2, 1)
            said = lives(dice, stage, SLICE)
            everything += said
            again = [(card, event) for card, event in everything if phase in (1, 3, KILLS) and keys[event.region][1]]
            stage.send(under(event, card, *keys[event.region]) for card, event in [*said, *again])
            if phase < KILLS:
                time.sleep(dice.uniform(0.1, 0.8))
                until(lambda: workers.pids, 10)
                workers.signal(signal.SIGKILL, dice.choice(sorted(workers.pids)))
        stage.drained(60)
        killed = [code for one in ("worker 1", "worker 2") for code in workers.exits(one) if code == -signal.SIGKILL]

    assert len(killed) == KILLS
    linked = {link.household for link in stage.links}
    assert len(linked) > CARDS // 2
    assert_verified(stage)


def test_two_sources_with_two_keys_meet_at_one_moment(services: EmbeddedServices) -> None:
    """One worker links names, the other writes under the old ones, both having read before either writes: they collide, and end exact."""
    stage = Stage.set(services, 2)
    old, new = stage.regencies
    with working(stage, 2, batch_records=1000) as workers:
        stage.shared_by(2)
        for turn in range(1, 4):  # names are new, then held, then linked already
            with stage.connect() as holder, holder.transaction():
                holder.execute("lock table household in exclusive mode")
                for card in range(40):
                    day = date(2020, 3 * turn, 1)
                    moved = changed(b"", new, valid_from=day, revision=turn, village=f"{new}.01.1001", size=turn)
                    stays = changed(b"", old, valid_from=day.replace(day=2), revision=turn, village=f"{old}.01.1001", size=turn)
                    gone = changed(b"", old, valid_from=day, revision=turn, operation=Operation.END)
                    stage.send([under(moved, card, 2, 1), under(gone if card % 2 else stays, card, 1)])
                until(lambda: len(stage.transactions("waiting")) == 2, 20)
            stage.drained()
            stage.assert_exact()

        assert workers.exits("worker 1") + workers.exits("worker 2") == []
    assert len({household for household, _ in stage.held().items()}) == 40
    assert_verified(stage)

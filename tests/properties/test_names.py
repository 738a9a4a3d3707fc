"""Names that links connect are one household, in the law and on arrays, whatever the order, cut and repetition in which it is said."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.columns.merge import Joins, merge
from processors.columns.names import LINK_BYTES, NO_LINKS, Links, distinct_names, household_numbers
from processors.columns.statements import STATEMENT, Packed, pack
from processors.indicators.catalogue import MEASURES
from processors.law import Cells, Link, Statement, by_household, cell_changes, households, kept
from producers.pseudonym import Pseudonyms
from tests.producers.samples import card
from tests.properties.test_columns_equal_law import named
from tests.worlds import REFERENCE, statements

_NAMES = st.sampled_from([bytes([high, *bytes(7), low, *bytes(7)]) for high in (0, 1, 255) for low in (1, 7)])
"""Few names, some of which differ in their second half alone."""
LINKS = st.builds(Link, _NAMES, _NAMES, st.sampled_from([1, 2, 3, 2**31 - 1])).filter(lambda one: one.previous != one.household)
"""Links of every kind: chains, contradictions, rings, several versions of one."""
Said = tuple[bytes, Statement, Link | None]


@st.composite
def said_of_names(draw: st.DrawFn) -> Said:
    """Return a statement under some name, and perhaps a link to that name, as an event makes both."""
    link = draw(st.none() | LINKS)
    return link.household if link else draw(_NAMES), draw(statements()), link


def columns(links: Sequence[Link]) -> Links:
    """Return links as columns."""
    rows = np.frombuffer(b"".join(one.previous + one.household for one in links), ">u8").astype(np.uint64).reshape(-1, 4)
    return Links(rows[:, :2], rows[:, 2:], np.array([one.key_version for one in links], np.int64))


def halves(names: Sequence[bytes]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Return names in halves."""
    return np.frombuffer(b"".join(names), ">u8").astype(np.uint64).reshape(-1, 2)


@given(st.lists(LINKS, max_size=12), st.data())
@settings(max_examples=300, deadline=None)
def test_order_and_repetition_of_links_cannot_show(links: list[Link], data: st.DataObject) -> None:
    """Households are a function of the set of links; names that no link connects stay apart."""
    found = households(links)

    repeated = [*links, *(data.draw(st.lists(st.sampled_from(links), max_size=4)) if links else [])]
    assert households(data.draw(st.permutations(repeated))) == found
    for link in links:
        assert found[link.previous] == found[link.household]
    assert all(found[name] == name for name in found.values())
    assert set(found) == {name for link in links for name in (link.previous, link.household)}


@given(st.lists(LINKS, max_size=8), st.lists(LINKS, max_size=8))
@settings(max_examples=200, deadline=None)
def test_links_only_connect(earlier: list[Link], later: list[Link]) -> None:
    """What is one household stays one, whatever is said later: so households can be kept up to date link by link."""
    before, after = households(earlier), households([*earlier, *later])

    assert all(after[one] == after[other] for one, other in before.items())


def test_a_chain_of_rotations_ends_at_the_newest_name() -> None:
    """Over many rotations, said in any order and with a window skipped, a household goes by its newest name."""
    names = [bytes([number]) * 16 for number in (9, 3, 7, 1, 8)]
    links = [Link(old, new, version) for version, (old, new) in enumerate(pairwise(names), 2)]

    assert households(links) == dict.fromkeys(names, names[-1])
    assert households([*links[::-1], Link(names[0], names[3], 4)]) == dict.fromkeys(names, names[-1])


def test_contradictions_have_one_outcome() -> None:
    """Two new keys of one version, or an adapter that takes the newer key for the older one, double no household."""
    old, one, other = (bytes([number]) * 16 for number in (5, 2, 1))

    assert households([Link(old, one, 2), Link(old, other, 2)]) == dict.fromkeys((old, one, other), other)
    assert households([Link(old, one, 2), Link(one, old, 1)]) == dict.fromkeys((old, one), one)
    assert households([Link(old, one, 2), Link(one, old, 2)]) == dict.fromkeys((old, one), one)


@given(st.lists(LINKS, max_size=14), st.lists(_NAMES, max_size=4))
@settings(max_examples=400, deadline=None)
def test_columns_name_households_as_the_law(links: list[Link], others: list[bytes]) -> None:
    """Every name goes by the name that the law gives it, on arrays as in plain Python; others by themselves."""
    packed = columns(links) if links else NO_LINKS
    names = distinct_names([packed.names(), halves(others)])
    goes_by = names[household_numbers(names, packed)]
    told = names.astype(">u8").tobytes()

    expected = households(links)
    for at in range(len(names)):
        name = told[16 * at : 16 * at + 16]
        assert goes_by[at].astype(">u8").tobytes() == expected.get(name, name)


def test_a_long_chain_said_backwards_is_one_household() -> None:
    """A chain of thousands of names, as hostile as it may be ordered, is followed to its end in few rounds."""
    names = [number.to_bytes(16, "big") for number in np.random.default_rng(5).permutation(5_000).tolist()]
    links = columns([Link(old, new, 2) for old, new in pairwise(names)])
    everything = distinct_names([links.names()])

    assert len(set(household_numbers(everything, links).tolist())) == 1


@given(st.lists(LINKS, max_size=10))
def test_packing_links_loses_nothing(links: list[Link]) -> None:
    """Links packed and unpacked are the same, and a set of them has one form."""
    some = columns(links) if links else NO_LINKS
    packed = some.packed().tobytes()

    assert len(packed) == LINK_BYTES * len(links)
    assert Links.unpacked(packed).packed().tobytes() == packed
    assert some.distinct().packed().tobytes() == Links.joined([some, some.taken(np.arange(len(links))[::-1])]).distinct().packed().tobytes()
    assert len(some.distinct()) == len(set(links))
    assert len(some.without(some)) == 0


class Held:
    """What a database would hold, name by name: packed statements at the name by which a household goes, links, and the cells."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.at: dict[bytes, Packed] = {}
        self.links: list[Link] = []
        self.cells: dict[tuple[str, str, int], list[int]] = {}

    def take(self, batch: Sequence[Said]) -> None:
        """Merge one batch, as the database's transaction does."""
        fresh = [link for _, _, link in batch if link and link not in self.links]
        self.links += fresh
        names = distinct_names([halves([name for name, _, _ in batch]), halves(list(self.at)), columns(self.links).names()])
        order = [names[at].astype(">u8").tobytes() for at in range(len(names))]
        number = {name: at for at, name in enumerate(order)}
        goes_by = household_numbers(names, columns(self.links) if self.links else NO_LINKS)
        rows = [(number[name], self.at[name]) for name in self.at]
        held = np.empty(sum(len(one) for _, one in rows), STATEMENT)
        if len(held):
            held[:] = np.concatenate([one for _, one in rows])
        counted_as = np.repeat([at for at, _ in rows], [len(one) for _, one in rows]).astype(np.int64)
        joined = np.zeros(len(names), bool)
        joined[[goes_by[number[link.household]] for link in fresh]] = True
        said_of = goes_by[[number[name] for name, _, _ in batch]]
        new = pack((one for _, one, _ in batch), REFERENCE)
        done = merge(len(names), new, said_of, held, goes_by[counted_as], REFERENCE, Joins(counted_as, joined))
        self.at = {name: one for name, one in self.at.items() if goes_by[number[name]] not in done.changed}
        self.at |= {order[at]: done.statements[done.household == at] for at in done.changed.tolist()}
        for key, amounts in named(done.cells.keys.tolist(), done.cells.amounts.tolist()).items():
            row = self.cells.setdefault(key, [0] * len(MEASURES))
            for at, amount in enumerate(amounts):
                row[at] += amount


def by_the_law(said: Sequence[Said]) -> Cells:
    """Return the cells of all households by the definition."""
    links = [link for _, _, link in said if link]
    total: dict[tuple[str, str, int], list[int]] = {}
    for statements_of_one in by_household(((name, one) for name, one, _ in said), links).values():
        for key, amounts in cell_changes(kept(statements_of_one), REFERENCE).items():
            row = total.setdefault(key, [0] * len(MEASURES))
            for place, amount in enumerate(amounts):
                row[place] += amount
    return {key: tuple(row) for key, row in total.items() if any(row)}


@given(st.lists(said_of_names(), max_size=20), st.data())
@settings(max_examples=300, deadline=None)
def test_any_interleaving_of_links_and_statements_gives_the_laws_cells(said: list[Said], data: st.DataObject) -> None:
    """Links before, among and after the statements, cut, ordered and repeated at will: after every batch the cells are the law's."""
    repeated = said + (data.draw(st.lists(st.sampled_from(said), max_size=6)) if said else [])
    delivered = data.draw(st.permutations(repeated))
    held, at = Held(), 0
    while at < len(delivered):
        cut = at + data.draw(st.integers(1, len(delivered) - at))
        held.take(delivered[at:cut])
        at = cut
        # At no time does a household count twice: the cells are right for what was said until now.
        assert {key: tuple(row) for key, row in held.cells.items() if any(row)} == by_the_law(delivered[:at])
    names = households([link for _, _, link in said if link])
    assert set(held.at) == {names.get(name, name) for name, _, _ in said}


@given(
    st.lists(st.tuples(st.integers(1, 5), st.permutations(range(4)).map(lambda order: order[:2])), min_size=1, max_size=12),
)
def test_no_key_however_wrong_connects_two_cards(said: list[tuple[int, list[int]]]) -> None:
    """Adapters with any two keys, older and newer turned round, or one that nobody else has: a household is one card, whatever they say."""
    keyed = [Pseudonyms(bytes([key + 1]) * 32, 1) for key in range(4)]
    links = [
        Link(keyed[older].family_card(card(serial)), keyed[newer].family_card(card(serial)), 1 + newer) for serial, (older, newer) in said
    ]
    of_card = {one.family_card(card(serial)): serial for one in keyed for serial in range(1, 6)}

    for name, household in households(links).items():
        assert of_card[name] == of_card[household]

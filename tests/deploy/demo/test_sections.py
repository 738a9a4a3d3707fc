"""The comparison of sections: an adapter that loses or garbles one shows, and nothing else does."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from deploy.demo.said import SILENT, SaidRow
from deploy.demo.sections import Names, Sections, compare_sections
from deploy.demo.simulation import World
from deploy.demo.statements import SECTIONS, Held, held_of
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.records import Node
from producers.region_file import read_region_file
from schemas.events import HouseholdChanged, Operation, to_record
from tests.deploy.demo.replay import told_by_carik
from tests.producers.samples import CARIK, ENVIRON, KEY
from tests.producers.sumedang import DESA, SIMPATI

NAMES = Names(KEY)
FILES = {"carik": CARIK, "desa": DESA, "simpati": SIMPATI}
CARD, DAY = "9901010101200001", date(2024, 3, 1)


@cache
def told() -> tuple[dict[str, list[Node]], list[SaidRow]]:
    """Return the records of a small world to which much happened, by source, and what its systems stand by."""
    with TemporaryDirectory(prefix="muara-test-") as inbox:
        made = World(Path(inbox), seed=5, households=80, elsewhere=80, pace=500)
        made.advance(500)
        made.flush()
        rows = list(made.said())
    people = made.people
    records = {
        "carik": list(_families(told_by_carik(made))),
        "desa": [Node(one.as_record(people)) for one in made.desa.out],
        "simpati": [Node(one.as_record(people)) for one in made.simpati.out],
    }
    return records, rows


def _families(buildings: list[dict[str, Any]]) -> Iterator[Node]:
    for building in buildings:
        for household in building["rumah_tangga"]:
            for family in household["keluarga"]:
                yield Node(family, Node(household, Node(building)))


def compared(source: str, file: Path) -> Sections:
    """Return how the events that a region file makes of a source's records compare with what the source said."""
    records, rows = told()
    mapper = Mapper(read_region_file(file, ENVIRON), Pseudonyms(KEY, 1))
    events = [to_record(mapper.event(record)) for record in reversed(records[source])]
    return compare_sections(held_of(events), [row for row in rows if row.source == source], NAMES)


def mapping_of(source: str) -> str:
    """Return a source's region file without its examples, which hold it to what it says."""
    return FILES[source].read_text("utf-8").split("[[example]]")[0]


def written(folder: Path, text: str) -> Path:
    """Return a region file of a text."""
    file = folder / "region.toml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize(("source", "sections"), [("carik", 6), ("desa", 6), ("simpati", 1)])
def test_what_the_systems_said_is_what_is_held(source: str, sections: int) -> None:
    """The region files lose and change nothing, whatever was late, twice, wrong first or taken back; all sections are counted."""
    found = compared(source, FILES[source])

    assert found.differences == ()
    assert found.statements >= 30
    assert sum(count > 25 for count in found.numbers.values()) == sections


@pytest.mark.parametrize(
    ("source", "section"),
    [(source, section) for source in ("carik", "desa") for section in ("dwelling", "members", "programmes")] + [("simpati", "nutrition")],
)
def test_an_adapter_that_drops_a_section_shows(source: str, section: str, tmp_path: Path) -> None:
    """A region file without a section loses it in every statement that says it, and nothing else differs."""
    declared = rf"\[mapping\.{section}\].*?(?=\n\[|\Z)|^{section} = [^\n]*"
    without, times = re.subn(declared, "", mapping_of(source), flags=re.DOTALL | re.MULTILINE)
    assert times == 1

    found = compared(source, written(tmp_path, without))

    assert {how for *_, how in found.differences} == {"not held"}
    assert {where[3] for where in found.differences} == {section}
    assert len(found.differences) == sum(len(row.days) for row in told()[1] if row.source == source and row.sections[section] is not None)


@pytest.mark.parametrize(
    ("source", "good", "bad", "section", "how"),
    [
        ("desa", "{ L = 1, P = 2 }", "{ L = 2, P = 1 }", "members", "sex"),
        ("desa", '{ path = "tanggal_lahir", as = "month_of_year" }', "{ constant = 1 }", "members", "birth_month"),
        ("carik", '"^.luas_lantai"', "{ constant = 1 }", "dwelling", "floor_area_m2"),
        ("carik", 'amount = "jumlah"', "amount = { constant = 1 }", "programmes", "amount"),
        ("simpati", "KURUS = 1,", "KURUS = 2,", "nutrition", "status"),
        ("simpati", 'as = "tenths"', 'as = "thousandths"', "nutrition", "height_mm"),
    ],
)
def test_a_mapping_that_is_wrong_in_one_field_is_told_by_it(
    source: str, good: str, bad: str, section: str, how: str, tmp_path: Path
) -> None:
    """A wrong code, unit or part of a date differs in its field alone, or where values of one field only changed places, together."""
    assert good in mapping_of(source)

    found = compared(source, written(tmp_path, mapping_of(source).replace(good, bad)))

    assert {where[3] for where in found.differences} == {section}
    assert how in {where[4] for where in found.differences} <= {how, "other values together"}


# ---- by hand ---------------------------------------------------------------------------------------------------------------


def said(**sections: Any) -> list[SaidRow]:
    """Return one statement of a system."""
    return [SaidRow(CARD, "31.74", "carik", (DAY.isoformat(),), {**SILENT, **sections})]


def held(card: str = CARD, **sections: Any) -> Held:
    """Return one statement as it is held."""
    return {(NAMES.card(card), "31.74", "carik", DAY): tuple(sections.get(name) for name in SECTIONS)}


def test_numbers_are_counted_by_section() -> None:
    """Each value that is said is one number, and a list of nothing says one thing."""
    told_so = said(composition=[2], dwelling=[1, None, 2], programmes=[])

    found = compare_sections(held(composition=(2,), dwelling=(1, None, 2), programmes=()), told_so, NAMES)

    assert (found.statements, found.total, found.differences) == (1, 4, ())
    assert {name: count for name, count in found.numbers.items() if count} == {"composition": 1, "dwelling": 2, "programmes": 1}


def test_members_may_stand_in_any_order_but_none_is_missing_or_twice() -> None:
    """Lists are compared as bags; a person's number is compared by its pseudonym."""
    one, other = ["9901014505900001", 2, 1990, 5, 1, None, None, 1], [None, 1, 2020, 1, 3, None, None, 1]
    first = (Pseudonyms(KEY, 1).person("9901014505900001"), 2, 1990, 5, 1, None, None, 1)
    second = (None, 1, 2020, 1, 3, None, None, 1)

    for listed, how in (
        ((second, first), None),
        ((first,), "1 items instead of 2"),
        ((first, first), "person, sex, birth_year, birth_month, relation"),
        (None, "not held"),
    ):
        found = compare_sections(held(members=listed), said(members=[one, other]), NAMES)
        assert [where[4] for where in found.differences] == ([how] if how else [])


def test_what_only_one_side_has_differs() -> None:
    """A statement that is not held, one that nobody said, and a section that nobody said each differ."""
    missing = compare_sections({}, said(composition=[2]), NAMES)
    invented = compare_sections(held(composition=(2,)), [], NAMES)
    more = compare_sections(held(composition=(2,), nutrition=()), said(composition=[2]), NAMES)

    assert [one.differences[0][3:] for one in (missing, invented, more)] == [
        ("statement", "said, and not held"),
        ("statement", "held, and the system does not say it"),
        ("nutrition", "held, and the system says nothing of it"),
    ]
    assert [one.statements for one in (missing, invented, more)] == [1, 1, 1]


def test_of_a_section_that_is_not_known_nothing_is_compared() -> None:
    """Where the system does not know what it last said of a section, whatever is held may stand."""
    row = said(composition=[2])[0]
    known = {name: told_so for name, told_so in row.sections.items() if name != "members"}

    found = compare_sections(held(composition=(2,), members=()), [SaidRow(CARD, row.region, row.source, row.days, known)], NAMES)

    assert found.differences == ()


def test_a_difference_names_nobody() -> None:
    """Neither card nor pseudonym nor value stands in what is printed."""
    found = compare_sections(held(welfare=(7_654_321, "OBSERVED")), said(welfare=[1_234_567, "OBSERVED"]), NAMES)

    assert found.differences == (("carik", "31.74", "2024-03-01", "welfare", "expenditure"),)


def test_what_stands_is_held_and_no_more() -> None:
    """Of the topics' events only those that the law lets stand are held: not what was taken back, nor what an END hides."""
    names = Pseudonyms(KEY, 1)

    def event(day: int, revision: int, operation: Operation) -> dict[str, Any]:
        said_of = HouseholdChanged(
            household=names.family_card(CARD),
            key_version=1,
            region="31.74",
            source="carik",
            valid_from=date(2024, 3, day),
            revision=revision,
            mapping_version=1,
            operation=operation,
            recorded_at=None,  # type: ignore[arg-type]  # nobody looks at it here
        )
        return dict(to_record(said_of))

    events = [event(9, 3, Operation.UPSERT), event(5, 4, Operation.END), event(1, 1, Operation.UPSERT), event(2, 2, Operation.RETRACT)]

    assert [key[3].day for key in held_of(events)] == [1]

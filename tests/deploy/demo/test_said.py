"""What the systems stand by: by their own plain rule the same as by the law, and in all sections of the contract."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.said import FIELDS, LISTS, SILENT, LastWords, SaidRow, grouped
from deploy.demo.statements import SECTIONS
from processors.law import Statement, kept, visible
from schemas.codec import parsed
from schemas.events import ChildMeasured, Composition, Dwelling, HouseholdChanged, Member, Operation, Programme, Residence, Welfare

FIRST = date(2024, 3, 1)
TOLD = st.lists(st.tuples(st.sampled_from(Operation), st.integers(0, 4)), max_size=12)


@given(told=TOLD)
def test_what_stands_is_what_the_law_says(told: Sequence[tuple[Operation, int]]) -> None:
    """Of any words, ends and retractions in any order of days the same days stand, each with its last word."""
    words: LastWords[int] = LastWords()
    said = []
    for turn, (operation, after) in enumerate(told):
        day = FIRST + timedelta(days=after)
        said.append(Statement("31.74", "carik", day, turn, 1, operation))
        if operation is Operation.UPSERT:
            words.say("card", "31.74", day, turn)
        elif operation is Operation.END:
            words.end("card", "31.74", day)
        else:
            words.take_back("card", "31.74", day)

    stands = [(one.valid_from, one.revision) for one in visible(kept(said)) if one.operation is Operation.UPSERT]

    assert [(day, turn) for _, _, day, turn in words.standing(lambda word: word)] == stands


def test_neighbours_that_say_the_same_are_one_row() -> None:
    """Days on which the same is said of one household stand together; another household, regency or word begins a row."""
    two, three = ({**SILENT, "composition": [size]} for size in (2, 3))
    days = [FIRST + timedelta(days=after) for after in range(4)]
    told = [("a", "31.74", days[0], two), ("a", "31.74", days[1], two), ("a", "31.74", days[2], three), ("b", "31.74", days[3], three)]

    assert [(row.household, row.days, row.sections["composition"]) for row in grouped("carik", told)] == [
        ("a", ("2024-03-01", "2024-03-02"), [2]),
        ("a", ("2024-03-03",), [3]),
        ("b", ("2024-03-04",), [3]),
    ]


def test_a_row_comes_back_from_its_record() -> None:
    """What the control API says of a row is the row."""
    row = SaidRow("9901010101200001", "31.74", "carik", ("2024-03-01",), {**SILENT, "composition": [2]})

    assert SaidRow.from_record(row.as_record()) == row


def test_rows_have_all_sections_and_fields_of_the_contract() -> None:
    """A section or field that the contract gets is compared too, or this fails; Avro has them in the same order."""
    kinds = (Residence, Composition, Welfare, Dwelling, Member, Programme, ChildMeasured)
    sections = [one.name for one in fields(HouseholdChanged) if one.name in FIELDS]
    first = next(place for place, one in enumerate(fields(HouseholdChanged)) if one.name == "residence")
    avro = {one["name"]: one["type"][1] for one in parsed("HouseholdChanged")["fields"] if one["name"] in FIELDS}

    assert list(FIELDS) == list(SECTIONS) == sections == [one.name for one in fields(HouseholdChanged)[first:]]
    assert {name: [one.name for one in fields(kind)] for name, kind in zip(sections, kinds, strict=True)} == {
        name: list(names) for name, names in FIELDS.items()
    }
    for name, kind in avro.items():
        assert [one["name"] for one in kind.get("items", kind)["fields"]] == list(FIELDS[name])
        assert ("items" in kind) == (name in LISTS)

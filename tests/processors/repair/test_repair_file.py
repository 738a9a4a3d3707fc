"""The repair file: a closed language, whose mistakes are told all at once, each with its line and key."""

from datetime import date

import pytest

from processors import admission
from processors.admission import cause_of
from processors.repair.causes import REPAIRS
from processors.repair.fields import FIELDS, SECTIONS
from processors.repair.repair_file import RepairFileWrong, digest_of, read_repair_file
from schemas import codec
from schemas.errors import Rejected
from schemas.events import HouseholdChanged
from tests.processors.repair.files import AS_IT_IS, VILLAGES, repair_file, sets


def mistakes(text: str) -> list[str]:
    """Return what is told of a faulty file, without its name."""
    with pytest.raises(RepairFileWrong) as raised:
        repair_file(text)
    lines = str(raised.value).splitlines()
    count = "1 mistake" if len(lines) == 2 else f"{len(lines) - 1} mistakes"
    assert lines[0] == f"repair.toml has {count}, nothing is repaired:"
    assert all(line.startswith("repair.toml: ") for line in lines[1:])
    return [line.removeprefix("repair.toml: ") for line in lines[1:]]


def test_a_file_is_read_as_it_was_written() -> None:
    """A word stands for a list of one, dates are dates, and what is not said is nothing."""
    file = repair_file(VILLAGES)

    assert file.match.regency == ("91.01",)
    assert file.match.source == ("alpha", "beta")
    assert file.match.arrived_from == date(2023, 1, 1)
    assert file.match.arrived_until is None
    assert file.set[0].table == {"91.01.01.1009": "91.01.01.1001"}
    assert repair_file(AS_IT_IS).unchanged


def test_all_mistakes_are_told_at_once_with_line_and_key() -> None:
    """Of a file with a mistake in every table each is named where it stands, with what was meant where that is near."""
    text = """\
[match]
cause = "vilage_unknown"
field = "composition.size"
value = "91.01.01.1009"
regencies = "91.01"
arrived_from = "2023-01-01"

[[set]]
field = "residence.vilage"
table = {"a" = "b"}

[[set]]
field = "welfare.expenditure"
divide = 1
outside = "drop"

[[set]]
field = "source"
constant = "NOT A CODE"
code = "import os"

[[set]]
field = "source"
drop = true
"""
    assert mistakes(text) == [
        "line 5, match.regencies: is not known here: is regency meant?",
        "line 6, match.arrived_from: must be a date without quotes, such as 2024-01-31",
        "line 9, set.field: is no field that can be set: is residence.village meant?",
        "line 14, set.divide: input should be greater than or equal to 2",
        "line 20, set.code: is not known here",
        "line 23, set.field: source is set twice",
        "line 24, set.drop: does not fit source, which takes constant, table",
    ]
    assert mistakes('[match]\ncause = "vilage_unknown"\nfield = "composition.size"\nvalue = "x"\n') == [
        "line 1, match: nothing is to be done: give a [[set]], or unchanged = true before it to send the events again as they are",
        "line 2, match.cause: is no cause of rejection: is village_unknown meant?",
        "line 4, match.value: needs field to be one that holds a code: region, source, operation, residence.village, welfare.basis",
    ]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('field = "source"', "line 4, set.field: has no operation: give one of constant, table"),
        ('field = "source"\nconstant = 3', "line 5, set.constant: must be text, such as carik"),
        ('field = "source"\nconstant = true', "line 5, set.constant: must be text, a whole number or a date"),
        ('field = "source"\nconstant = "a"\ntable = {a = "b"}', "line 6, set.table: does not go together with constant"),
        ('field = "source"\ntable = {a = "B C"}', "line 5, set.table: a gives what must be a code, such as carik"),
        ('field = "source"\ntable = {"WARGA 000001" = ""}', "line 5, set.table: (not a code) gives what must be a code, such as carik"),
        ('field = "source"\ncopy = "household"', "line 5, set.copy: does not fit source, which takes constant, table"),
        ('field = "operation"\nconstant = "DELETE"', "line 5, set.constant: must be one of UPSERT, END, RETRACT"),
        ('field = "valid_from"\nconstant = "2020-01-01"', "line 5, set.constant: must be a date without quotes, such as 2024-01-31"),
        ('field = "valid_from"\nat_most = "now"', 'line 5, set.at_most: must be "arrival" or a date without quotes, such as 2024-01-31'),
        ('field = "valid_from"\nat_most = 2020-01-01\nat_least = 2021-01-01', "line 6, set.at_least: lies after at_most"),
        ('field = "valid_from"\nat_most = 2020-01-01T00:00:00', "line 5, set.at_most: must be text, a whole number or a date"),
        ('field = "composition.size"\nrange = [9, 1]', "line 5, set.range: is [least, greatest]"),
        ('field = "composition.size"\noutside = "drop"\ndivide = 2', "line 5, set.outside: belongs to range"),
        ('field = "composition.size"\nrange = [1, 9]\nmultiply = 2\ndivide = 2', "line 7, set.divide: does not go together with multiply"),
        ('field = "region"\ncopy = "household"', "line 5, set.copy: region can only be copied from topic"),
        ('field = "key"\nconstant = "00"', "line 5, set.constant: does not fit key, which takes copy"),
        ('field = "household"\nconstant = "00"', "line 5, set.constant: does not fit household, which takes copy"),
        ('field = "revision"\nconstant = 9', "line 4, set.field: is no field that can be set: one of "),
        ('field = "welfare"\ndrop = false', "line 5, set.drop: input should be True"),
    ],
)
def test_a_set_that_makes_no_sense_is_refused(table: str, told: str) -> None:
    """Whatever does not fit its field, or another key, is one mistake at its line."""
    (found,) = mistakes(f'[match]\ncause = "village_unknown"\n[[set]]\n{table}\n')

    assert found.startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'unchanged = true\n[match]\ncause = "village_unknown"\n[[set]]\nfield = "dwelling"\ndrop = true',
            "line 1, unchanged: does not go",
        ),
        (
            '[match]\ncause = "size_beyond_reason"\n[[set]]\nfield = "welfare"\ndrop = true\n[[set]]\nfield = "welfare.basis"\ncopy = "x"',
            "line 7, set.field: welfare.basis is set, and its section welfare dropped",
        ),
        (
            '[match]\ncause = "village_unknown"\n[[set]]\nfield = "key"\ncopy = "household"\n[[set]]\nfield = "household"\ncopy = "key"',
            "line 7, set.field: key and household are each to be copied from the other",
        ),
        ('[[set]]\nfield = "dwelling"\ndrop = true', "match: is missing"),
        ("[match", "is no TOML: "),
        ("match = 3\nset = 4\n", "line 1, match: nothing is to be done"),
        ("", "match: nothing is to be done"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text: str, told: str) -> None:
    """What does not fit together across tables, or is no file of the language at all, is told."""
    assert mistakes(text)[0].startswith(told)


def test_bytes_that_are_no_text_are_refused() -> None:
    """A file in another encoding is one mistake, not a stumble."""
    with pytest.raises(RepairFileWrong, match="not UTF-8"):
        read_repair_file("repair.toml", b"\xff\xfe[match]")


def test_the_digest_names_the_content() -> None:
    """One byte more, even in a comment, is another file."""
    assert digest_of(VILLAGES.encode()) != digest_of(VILLAGES.encode() + b"\n")


def test_every_cause_of_rejection_has_its_repair_in_words() -> None:
    """Whatever admission or decoding can reject an event for is explained, and nothing else is."""
    kinds = [one for one in (*vars(admission).values(), *vars(codec).values()) if isinstance(one, type) and issubclass(one, Rejected)]
    causes = {cause_of(kind.__new__(kind)) for kind in kinds if kind is not Rejected}

    assert causes == REPAIRS.keys()
    assert len(causes) > 10


def test_every_field_that_can_be_set_is_one_of_the_event() -> None:
    """But for the two that are no fields, a field, or one of a section, of the contract."""
    of_event = set(HouseholdChanged.__dataclass_fields__)

    assert {name.partition(".")[0] for name in FIELDS} - of_event == {"key", "topic"}
    assert set(SECTIONS) <= of_event
    assert not {"revision", "recorded_at"} & FIELDS.keys()


def test_each_field_takes_what_it_says() -> None:
    """A set with each operation that a field takes is in order."""
    values = {"constant": {"valid_from": "2020-01-01", "mapping_version": "2", "operation": '"END"', "welfare.basis": '"OBSERVED"'}}
    numbers = {"multiply": "10", "divide": "10", "range": "[1, 2]", "at_most": '"arrival"', "at_least": "2020-01-01", "drop": "true"}
    for name, kind in FIELDS.items():
        for operation in kind.operations:
            example = f'"{kind.example}"' if kind.of is str else kind.example
            value = values.get(operation, {}).get(name, example) or '"END"'
            if operation == "table":
                value = "{x = " + ('"END"' if name == "operation" else '"OBSERVED"' if name == "welfare.basis" else example) + "}"
            elif operation == "copy":
                value = f'"{kind.copies}"'
            found = sets(f'field = "{name}"\n{operation} = {numbers.get(operation, value)}')
            assert found.set[0].operations == (operation,), (name, operation)

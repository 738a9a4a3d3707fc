"""Lines of a TOML text: every key is found on its line, and what is no TOML is told by line with what was expected."""

import tomllib

import pytest

from producers.authoring.lines import lines_of, place, syntax_mistakes

TEXT = """
a = 1
[mapping]                  # a comment
household = "x"
welfare.when = "y"         # = and "quotes"
[mapping.members]
sex = { path = "z" }
[drift.only]
"members.sex" = { new_code = "discard" }
[[example]]
record = '''
household = 3
[mapping]
'''
[[example]]
[example.event]
size = 1
many = [        # each on its line
  "a = 1",

  "b",
]
after = 2
"""


def test_every_key_has_its_line() -> None:
    """Keys, dotted keys, quoted ones and tables of an array are found; what stands in a text of many lines is none."""
    assert lines_of(TEXT) == {
        ("a",): 2,
        ("mapping",): 3,
        ("mapping", "household"): 4,
        ("mapping", "welfare", "when"): 5,
        ("mapping", "members"): 6,
        ("mapping", "members", "sex"): 7,
        ("drift", "only"): 8,
        ("drift", "only", "members.sex"): 9,
        ("example", "0"): 10,
        ("example", "0", "record"): 11,
        ("example", "1"): 15,
        ("example", "1", "event"): 16,
        ("example", "1", "event", "size"): 17,
        ("example", "1", "event", "many"): 18,
        ("example", "1", "event", "many", "0"): 19,
        ("example", "1", "event", "many", "1"): 21,
        ("example", "1", "event", "after"): 23,
    }


def test_a_key_within_a_line_has_that_line() -> None:
    """The nearest part of a key that begins a line tells where it is; what has none is told without."""
    lines = lines_of(TEXT)

    assert place(lines, ("mapping", "members", "sex", "table", "L")) == "line 7, mapping.members.sex.table.L"
    assert place(lines, ("nowhere",)) == "nowhere"
    assert place(lines, ()) == "the file"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = ", "line 1: a value is expected here"),
        ("a = 1\nb = yes\n", "line 2: a value is expected here: a text stands in quotes"),
        ("a b = 1", "line 1: = is expected after a name"),
        ('a = "x', "line 1: a text has no closing quote"),
        ("a = 'x\n'", "line 1: a text has no closing quote on its line"),
        ("a = { x = 1, x = 2 }", "line 1: x stands twice in one table"),
        ("[m]\nx = 1\ny = 1\nx = 2\n[n]\n", "line 4, m.x: stands a second time, the first is in line 2"),
        ("[a]\n\n[a]", "line 3, a: stands a second time, the first is in line 1"),
        ("a = { b = 1 }\n[a]\nc = 1", "line 2, a: stands a second time, the first is in line 1"),
        ("a = [1, 2\nb = 1", "line 2: a comma or ] is expected"),
        ("a = { x = 1", "line 1: a comma or } is expected: a table in { } ends on the line"),
        ("a = { x = 1,\n y = 2 }", "line 1: a name is expected: a table in { } ends on its line"),
        ("a = 01", "line 1: the end of the line is expected"),
        ('a = "\\q"', "line 1: a backslash stands in a text"),
        ("[a\nb = 1", "line 1: ] is expected"),
        ("\n= 1", "line 2: name = value or [section] is expected"),
    ],
)
def test_what_is_no_toml_is_told_with_what_was_expected(text: str, told: str) -> None:
    """Each slip of the pen has its line, and words for who made it."""
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)

    assert any(one.startswith(told) for one in syntax_mistakes(text, caught.value)), syntax_mistakes(text, caught.value)


def test_several_slips_are_told_at_once() -> None:
    """After the first the rest is read, so that a person mends them in one go; and there is an end to them."""
    text = "a = yes\nb = 1\nc = no\n[m\nd = 2\nb = 3\n"
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)

    assert [one.partition(":")[0] for one in syntax_mistakes(text, caught.value)] == ["line 6, b", "line 1", "line 3", "line 4"]

    many = "a = yes\n" * 100
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(many)
    assert len(syntax_mistakes(many, caught.value)) < 150

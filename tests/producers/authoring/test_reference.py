"""The page about the region file is complete: every key, kind, conversion and mode that the declaration has stands on it."""

import re
from typing import get_args

from producers.authoring.mistakes import keys_of
from producers.declaration import DRIFT_KINDS, MODES, SOURCE_KINDS, Conversion, Declaration, RegionMapping, Value
from producers.declaration.model import Model, every_model
from schemas.codes import CODES
from tests.producers.samples import REGIONS

PAGE = re.sub(r"(?ms)^```.*?^```$", "", (REGIONS / "README.md").read_text(encoding="utf-8"))
"""The page without its blocks of code, whose fences are no words."""
WORDS = {word for code in re.findall(r"`([^`]+)`", PAGE) for word in re.findall(r"[\w]+", code)}


def section(title: str) -> str:
    """Return a part of the page, from its title to the next one of its level."""
    level = title.split(" ", maxsplit=1)[0]
    return PAGE.split(f"\n{title}")[1].split(f"\n{level} ")[0]


def code_of(text: str) -> set[str]:
    """Return the words that stand as code in a text."""
    return {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", code)}


def test_every_key_of_every_part_is_there() -> None:
    """No part of a region file has a key that the page does not name."""
    parts = list(every_model())

    assert len(parts) > 15
    missing = {part.__name__: [key for key in keys_of(part) if key not in WORDS] for part in parts}
    assert {name: keys for name, keys in missing.items() if keys} == {}


def test_every_key_stands_in_its_own_section() -> None:
    """Keys are found where an author looks for them: the head, each kind of source, values, the mapping, drift, examples."""
    parts = [one for one in every_model() if "kind" in one.model_fields]
    sources: dict[str, type[Model]] = {str(get_args(one.model_fields["kind"].annotation)[0]): one for one in parts}
    homes: dict[str, type[Model]] = {"## The head": Declaration, "## Values": Value, "## `[mapping]`": RegionMapping}
    homes |= {f'### `kind = "{kind}"`': one for kind, one in sources.items()}

    assert set(sources) == set(SOURCE_KINDS)
    missing = {title: {*keys_of(part)} - code_of(section(title)) - {"kind", "poll_s"} for title, part in homes.items()}
    assert {title: keys for title, keys in missing.items() if keys} == {}


def test_every_word_of_the_language_is_there() -> None:
    """Conversions, kinds of source, kinds of drift and modes are all explained."""
    assert set(get_args(Conversion)) <= code_of(section("## Values"))
    assert set(SOURCE_KINDS) <= code_of(section("## `[source]`"))
    assert {*DRIFT_KINDS, *MODES} <= code_of(section("## `[drift]`: when the source changes"))


def test_every_coded_field_is_there() -> None:
    """The page's table has each coded field with its least and greatest code, and no other."""
    rows = re.findall(r"^\| `([\w.]+)` \| (\d+ to \d+) \|", section("### Codes"), re.MULTILINE)

    assert dict(rows) == {name: str(codes) for name, codes in CODES.items()}
    assert len(rows) == len(CODES)

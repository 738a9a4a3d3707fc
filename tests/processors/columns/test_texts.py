"""Short texts are found by their words, exactly: neither a beginning nor a continuation of a text is that text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.columns.texts import NOT_FOUND, TextTable, text_words
from processors.columns.varints import PADDING, words

_TEXTS = st.lists(st.text("ab.1", max_size=20), unique=True, max_size=12)


def found(table: TextTable, texts: list[str], extras: list[int] | None = None) -> list[int]:
    """Return the numbers that a table finds for texts laid end to end."""
    raw = "".join(texts).encode()
    length = np.array([len(text) for text in texts], np.int64)
    low, high = text_words(words(raw + b"\0" * PADDING), np.cumsum(length) - length, length)
    numbers: list[int] = table.find(low, high, None if extras is None else np.array(extras, np.int64)).tolist()
    return numbers


@given(_TEXTS, _TEXTS)
def test_known_texts_are_found_and_no_others(known: list[str], asked: list[str]) -> None:
    """Texts of up to sixteen bytes have their number; longer and unknown ones have none, whatever stands beside them in the bytes."""
    table = TextTable(known, list(range(len(known))))
    numbers = {text: number for number, text in enumerate(known) if len(text) <= 16}

    assert [numbers.get(text, NOT_FOUND) for text in asked + known] == found(table, asked + known)


def test_the_longest_text_is_not_its_continuation() -> None:
    """A text of sixteen bytes is known; one that begins with it is not."""
    table = TextTable(["a" * 16, "b" * 8], [5, 6])

    assert found(table, ["a" * 16, "a" * 17, "a" * 15, "b" * 8, "b" * 9]) == [5, NOT_FOUND, NOT_FOUND, 6, NOT_FOUND]


@given(st.lists(st.tuples(st.text("ab", max_size=4), st.integers(-3, 3)), unique=True, max_size=10))
def test_the_extra_is_part_of_the_key(pairs: list[tuple[str, int]]) -> None:
    """A source's name means another claimant in each regency."""
    table = TextTable([text for text, _ in pairs], list(range(len(pairs))), [extra for _, extra in pairs])

    assert list(range(len(pairs))) == found(table, [text for text, _ in pairs], [extra for _, extra in pairs])
    assert [NOT_FOUND] * len(pairs) == found(table, [text for text, _ in pairs], [9] * len(pairs))

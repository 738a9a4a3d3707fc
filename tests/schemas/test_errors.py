"""Errors say what failed in a sentence, and what must happen next by their class."""

import pickle

import pytest

from schemas.errors import Fatal, Halted, MuaraError, Rejected, Retriable


class LineUnknown(Rejected):
    """no line for {region} in {month}: load one."""


class Mistakes(Fatal):
    """
    {count} mistakes:
    {mistakes}
    """


def test_the_docstring_is_the_message() -> None:
    """Facts fill the docstring, its full stop and indentation go; the facts are kept."""
    error = LineUnknown(region="31.74", month="2024-03")

    assert str(error) == "no line for 31.74 in 2024-03: load one"
    assert error.facts == {"region": "31.74", "month": "2024-03"}
    assert str(Mistakes(count=2, mistakes="a: wrong\nb: wrong")) == "2 mistakes:\na: wrong\nb: wrong"


def test_a_fact_may_hold_what_looks_like_a_place_for_a_fact() -> None:
    """Braces in a fact are text: what a person typed cannot break the message."""
    assert str(LineUnknown(region="{month} {0}", month="{")) == "no line for {month} {0} in {: load one"


def test_an_error_crosses_a_process_border() -> None:
    """A pickled error comes back with its class, message and facts."""
    error = LineUnknown(region="31.74", month="2024-03")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert (type(back), str(back), back.facts) == (LineUnknown, str(error), error.facts)


@pytest.mark.parametrize("kind", [Rejected, Retriable, Fatal, Halted])
def test_what_must_happen_next_is_the_class(kind: type[MuaraError]) -> None:
    """Each of the four is an error of Muara and none is another: a caller decides by type alone."""
    assert issubclass(kind, MuaraError)
    assert not any(issubclass(kind, other) for other in (Rejected, Retriable, Fatal, Halted) if other is not kind)

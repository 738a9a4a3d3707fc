"""Signatures: by any of the secrets over exactly this time and body, and by nothing else."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.faults import SecretMissing
from producers.sources.webhook.signature import Secrets, seconds_of
from tests.producers.sumedang import SECRET, told

NAMES = ("INVENTED_SECRET", "INVENTED_SECRET_PREVIOUS")


def test_a_known_signature() -> None:
    """The one that another program made (openssl dgst -sha256 -hmac invented) holds."""
    made = "sha256=bc69ada4a48a653285bdabf5adde5510bdd1bb8bde55ed39a5c14ba3cd646c94"
    secrets = Secrets([b"invented"])

    assert secrets.signed("1709251200", b"{}", made)
    assert secrets.signed("1709251200", b"{}", made.replace("b", "B"))
    assert not secrets.signed("1709251200", b"{}", made.replace("bc69", "bc68"))


def test_two_secrets_count_while_one_is_changed() -> None:
    """The new one and the one before it; with the old one unset it counts no more."""
    both = Secrets.from_environ(NAMES, {NAMES[0]: "new", NAMES[1]: "old"})
    one = Secrets.from_environ(NAMES, {NAMES[0]: "new", NAMES[1]: ""})

    assert both.signed("1", b"x", told(b"x", 1, b"new"))
    assert both.signed("1", b"x", told(b"x", 1, b"old"))
    assert not both.signed("1", b"x", told(b"x", 1, b"older"))
    assert not one.signed("1", b"x", told(b"x", 1, b"old"))
    assert not one.signed("1", b"x", told(b"x", 1, b""))


def test_secrets_are_changed_without_a_restart() -> None:
    """What the variables hold later counts; where the first has lost its value, what counted before goes on."""
    one = Secrets.from_environ(NAMES, {NAMES[0]: "old"})
    seen = []
    for environ in ({NAMES[0]: "new", NAMES[1]: "old"}, {NAMES[0]: "new"}, {}):
        one.renew(NAMES, environ)
        seen.append([one.signed("1", b"x", f"sha256={hmac.digest(secret, b'1.x', 'sha256').hex()}") for secret in (b"old", b"new")])

    assert seen == [[True, True], [False, True], [False, True]]


@pytest.mark.parametrize("environ", [{}, {NAMES[0]: ""}, {NAMES[1]: "old"}])
def test_without_a_secret_nothing_starts(environ: dict[str, str]) -> None:
    """The variable is named, in one line."""
    with pytest.raises(SecretMissing, match=r"^INVENTED_SECRET is not set"):
        Secrets.from_environ(NAMES, environ)


def test_no_secret_shows() -> None:
    """Not in a repr."""
    assert "invented" not in repr(Secrets([b"invented"]))


@given(body=st.binary(max_size=50), other=st.binary(max_size=50), at=st.integers(0, 10**11), shift=st.integers(-3, 3))
def test_another_body_or_time_is_not_signed(body: bytes, other: bytes, at: int, shift: int) -> None:
    """A signature is for one time and one body."""
    signature = told(body, at)

    assert Secrets([SECRET]).signed(str(at), body, signature)
    assert Secrets([SECRET]).signed(str(at + shift), other, signature) == (shift == 0 and other == body)


@given(signature=st.text(max_size=80))
def test_what_is_no_signature_is_none(signature: str) -> None:
    """Whatever stands in the header, it is an answer and no error."""
    assert not Secrets([SECRET]).signed("1", b"x", signature)


@pytest.mark.parametrize("timestamp", ["", "-1", "1.5", " 1", "1e9", "\u0661", "9" * 13, "1\n"])
def test_what_is_no_time_is_none(timestamp: str) -> None:
    """Seconds are digits."""
    assert seconds_of(timestamp) is None

"""What a certification is asked for is checked before anything starts, and what it cannot play is said so."""

import re
from pathlib import Path

import pytest

from deploy.certify.course import NoSuchScenario, PlaceNotFound, certify
from deploy.certify.stand_ins import Lie
from deploy.certify.stand_ins.feed import FeedStandIn
from deploy.certify.stand_ins.pusher import PusherStandIn, TlsNotPlayed
from deploy.certify.writing import CannotBeSaid
from deploy.embedded import EmbeddedServices, Silent
from producers.region_file import read_region_file
from tests.producers import sumedang
from tests.producers.samples import CARIK, carik


def test_a_scenario_that_is_none_is_told_with_what_may_be_meant() -> None:
    """Nothing starts for a name mistyped, where playing nothing would look like a pass."""
    with pytest.raises(NoSuchScenario, match=r"key mov is no scenario of this kind of source \(is `key move` meant\?\)"):
        certify(CARIK, "", Silent(), lambda _: None, only=["key mov"])
    with pytest.raises(NoSuchScenario, match="half of a file"):
        certify(CARIK, "", Silent(), lambda _: None, only=["half of a file"])


def test_a_file_in_which_the_source_cannot_be_put_is_refused(services: EmbeddedServices, tmp_path: Path) -> None:
    """Else the adapter would ask the region's real source."""
    text = CARIK.read_text(encoding="utf-8")
    moved = tmp_path / "moved.toml"
    moved.write_text(re.sub(r"regencies = \[.*\]", 'regencies = ["86.01"]', text).replace("url = ", '"url" = '), encoding="utf-8")

    with pytest.raises(PlaceNotFound, match=r"moved\.toml has no line that begins with url = in"):
        certify(moved, "", Silent(), lambda _: None, only=["insert"], services=services)


def test_tls_is_not_played(tmp_path: Path) -> None:
    """The certificate is the region's own; whoever certifies is told what to do."""
    tls = 'path = "/desa"\ntls = { certificate = "a.pem", key = "b.pem" }'
    text = sumedang.DESA.read_text(encoding="utf-8").replace('path = "/desa"', tls)
    (tmp_path / "tls.toml").write_text(text, encoding="utf-8")

    with pytest.raises(TlsNotPlayed, match="certify a copy of the file without `tls`"):
        PusherStandIn(read_region_file(tmp_path / "tls.toml", None))


def test_a_kind_that_cannot_lie_so_says_so() -> None:
    """It is not applicable then, and no failure."""
    with pytest.raises(CannotBeSaid), super(FeedStandIn, FeedStandIn(carik())).lying(Lie.HALF):
        pass

"""`muara regions load`, `lines load`, `sources load`: what is loaded, what is left out, and what a person is told."""

from pathlib import Path

import pytest

from deploy.commands.bar import Shown
from tests.deploy.commands.conftest import Said


def test_a_load_says_one_line(say: Said) -> None:
    """Where there is no terminal, a load prints what it did and nothing else: no bar, no empty line."""
    shown = say("regions", "load", "--province", "31")

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == "reference version 2: 319 regions changed, 0 households recomputed\n"


def test_codes_are_listed_as_they_are_loaded(say: Said, tmp_path: Path) -> None:
    """Whoever writes a region file finds its villages' codes without a database, and the list is a file that can be loaded."""
    shown = say("regions", "list", "33.72", "--level", "village")
    listed = say("regions", "list", "33.72.01", "--csv")

    assert shown.returncode == 0, shown.stderr
    assert "33.72.01.1001" in shown.stdout
    assert "33.72.02.1001" in shown.stdout
    assert " district " not in shown.stdout
    lines = listed.stdout.splitlines()
    assert lines[0] == "code,bps_code,name,level,parent,urbanisation"
    assert [line for line in lines[1:] if not line.startswith("33.72.01")] == []
    assert say("regions", "list", "33.999").returncode == 2
    above = say("regions", "list", "33", "--csv").stdout.splitlines()
    assert above[1].startswith("33,")


def test_the_bar_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal, recomputed households show no bar either, and leave no empty line."""
    with Shown("households recomputed") as shown:
        shown(1, 2)
        shown(2, 2)

    assert capsys.readouterr() == ("", "")


def test_the_products_lines_follow_the_regions(say: Said) -> None:
    """Without a file, lines of regions that are not loaded are left out and counted."""
    say("regions", "load", "--province", "31")

    shown = say("lines", "load")

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [
        "reference version 3: 23 poverty lines changed, 0 households recomputed",
        "146 poverty lines left out: their regions are not loaded",
    ]


def test_the_products_lines_need_regions(say: Said) -> None:
    """Where no region is loaded at all, loading lines fails and says what comes first."""
    shown = say("lines", "load")

    assert (shown.returncode, shown.stdout) == (2, "")
    assert "muara: no region is loaded, and a poverty line belongs to one: muara regions load comes first" in shown.stderr


def test_lines_of_a_file_must_be_of_known_regions(say: Said, tmp_path: Path) -> None:
    """With a file, a region that is not loaded is a mistake, told with its line, and nothing is loaded."""
    say("regions", "load", "--province", "31")
    columns = "definition,province_code_kemendagri,region_code_kemendagri,urbanisation,valid_from,rupiah_per_capita_month,source"
    (tmp_path / "lines.csv").write_text(f"{columns}\nnational,31,31,urban,2025-03-01,1,us\nnational,51,51,urban,2025-03-01,1,us\n")

    shown = say("lines", "load", "lines.csv")

    assert (shown.returncode, shown.stdout) == (2, "")
    assert "muara: 1 mistake in lines.csv, nothing was loaded" in shown.stderr
    assert "lines.csv:3: region 51 is not known: load it first (muara regions load)" in shown.stderr


def test_limits_of_another_environment_are_told_and_do_not_hold(say: Said) -> None:
    """Whoever comes first writes them; a rebuild in another shell judges by the same; loading regions widens them."""
    regions = ("regions", "load", "--province", "31")
    first = say(*regions, MUARA_HOUSEHOLD_SIZE="150")
    other, same = say("rebuild", MUARA_HOUSEHOLD_SIZE="120", MUARA_DAYS_AHEAD="1"), say("rebuild")
    narrowed, widened = say(*regions, MUARA_HOUSEHOLD_SIZE="120"), say(*regions, MUARA_HOUSEHOLD_SIZE="200")

    assert [one.returncode for one in (first, other, same, narrowed, widened)] == [0, 0, 0, 2, 0], other.stderr
    assert "MUARA_HOUSEHOLD_SIZE=120 does not hold: events are judged by 150, as the database says" in other.stderr
    assert "MUARA_DAYS_AHEAD" not in other.stderr
    assert same.stderr == ""
    assert narrowed.stderr == (
        "muara: household_size is 150 and cannot become 120: limits only widen,"
        " or a rebuild would reject what was accepted by the former ones\n"
    )
    assert widened.stdout.startswith("reference version 3: 0 regions changed")
    assert "does not hold: events are judged by 200" in say("rebuild", MUARA_HOUSEHOLD_SIZE="150").stderr


def test_all_mistakes_of_sources_are_told_at_once(say: Said, tmp_path: Path) -> None:
    """What the file alone shows and what only the database knows are told together, by line, and nothing is loaded."""
    say("regions", "load", "--province", "31")
    (tmp_path / "sources.csv").write_text("region,source,rank\n99.99,kota,1\n31.74,kota,first\n31.74,lain,1\n")

    shown = say("sources", "load", "sources.csv")

    assert (shown.returncode, shown.stdout) == (2, "")
    assert "2 mistakes in sources.csv, nothing was loaded" in shown.stderr
    assert [line for line in (2, 3, 4) if f"sources.csv:{line}: " in shown.stderr] == [2, 3]

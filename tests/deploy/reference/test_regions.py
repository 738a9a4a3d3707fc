"""The product's regions are complete, in order, and stand in the right place in both code systems."""

from collections import Counter

import pytest

from deploy.reference.regions import NATION, RegionRow, UnknownProvince, bps_codes, regions


@pytest.fixture(scope="module")
def rows() -> list[RegionRow]:
    """All regions of the product."""
    return list(regions())


@pytest.fixture(scope="module")
def by_code(rows: list[RegionRow]) -> dict[str, RegionRow]:
    """All regions of the product by their code."""
    return {one.code: one for one in rows}


def test_every_region_of_the_ministrys_list_is_there_once(rows: list[RegionRow], by_code: dict[str, RegionRow]) -> None:
    """The counts are those of Kepmendagri 300.2.2, and no code stands twice."""
    assert Counter(one.level for one in rows) == {"nation": 1, "province": 38, "regency": 514, "district": 7285, "village": 83762}
    assert len(by_code) == len(rows)


def test_parents_come_first_and_lie_one_level_above(rows: list[RegionRow]) -> None:
    """A loader that goes through the rows once never meets a child before its parent."""
    above = {"province": "nation", "regency": "province", "district": "regency", "village": "district"}
    seen: dict[str, str] = {}
    for one in rows:
        if one.code == NATION:
            assert one.parent is None
        else:
            assert one.parent is not None
            assert seen[one.parent] == above[one.level]
        seen[one.code] = one.level


def test_kelurahan_are_urban_and_nothing_else_is(rows: list[RegionRow]) -> None:
    """The proxy: 8,496 kelurahan are urban, 75,266 desa rural, and no region above a village has an urbanisation."""
    assert Counter(one.urbanisation for one in rows if one.level == "village") == {"urban": 8_496, "rural": 75_266}
    assert {one.urbanisation for one in rows if one.level != "village"} == {None}


def test_provinces_can_be_chosen(rows: list[RegionRow]) -> None:
    """Some provinces are the nation and their own rows, in the same order; the pilots have the sizes that are known of them."""
    chosen = list(regions(["51", "31"]))

    assert chosen == [one for one in rows if one.code == NATION or one.code[:2] in {"31", "51"}]
    assert Counter(one.level for one in chosen if one.code.startswith("31")) == {
        "province": 1,
        "regency": 6,
        "district": 44,
        "village": 267,
    }
    assert Counter(one.level for one in chosen if one.code.startswith("51.01")) == {"regency": 1, "district": 5, "village": 51}


def test_a_regency_can_be_chosen_without_its_neighbours(rows: list[RegionRow]) -> None:
    """A regency brings its province and all below itself, and no other regency of the province."""
    chosen = list(regions(["32.11", "51"]))

    assert chosen == [one for one in rows if one.code in ("ID", "32") or one.code[:2] == "51" or one.code[:5] == "32.11"]
    assert Counter(one.level for one in chosen if one.code.startswith("32")) == {
        "province": 1,
        "regency": 1,
        "district": 26,
        "village": 277,
    }


def test_a_province_that_does_not_exist_is_told_at_once() -> None:
    """All wrong codes are named, before any row is made."""
    with pytest.raises(
        UnknownProvince, match=r"no province or regency 3174, DKI in the product's regions: give Kemendagri codes such as 31"
    ):
        regions(["31", "DKI", "3174"])


@pytest.mark.parametrize(
    ("code", "bps", "name"),
    [
        ("31.01", "3101", "Kabupaten Administrasi Kepulauan Seribu"),
        ("31.71", "3173", "Kota Administrasi Jakarta Pusat"),
        ("31.72", "3175", "Kota Administrasi Jakarta Utara"),
        ("31.73", "3174", "Kota Administrasi Jakarta Barat"),
        ("31.74", "3171", "Kota Administrasi Jakarta Selatan"),
        ("31.75", "3172", "Kota Administrasi Jakarta Timur"),
        ("51.01.04", "5101010", "Melaya"),
        ("51.01.01", "5101020", "Negara"),
        ("51.01.05", "5101021", "Jembrana"),
        ("51.01.02", "5101030", "Mendoyo"),
        ("51.01.03", "5101040", "Pekutatan"),
        ("91", "94", "Papua"),
        ("92", "91", "Papua Barat"),
        ("93", "95", "Papua Selatan"),
        ("94", "96", "Papua Tengah"),
        ("95", "97", "Papua Pegunungan"),
        ("96", "92", "Papua Barat Daya"),
        ("12.12", "1206", "Kabupaten Toba"),
        ("31.72.02.1001", "3175030007", "Tanjung Priok"),
    ],
)
def test_known_pairs_of_codes(by_code: dict[str, RegionRow], code: str, bps: str, name: str) -> None:
    """Permuted cities, permuted provinces, districts in another order, a renamed regency: each has the code that is published."""
    assert (by_code[code].bps_code, by_code[code].name) == (bps, name)


def test_a_bps_code_begins_with_its_parents_and_stands_once(rows: list[RegionRow], by_code: dict[str, RegionRow]) -> None:
    """Nothing is joined across parents: one wrong join of a regency would break all below it."""
    lengths = {"province": 2, "regency": 4, "district": 7, "village": 10}
    joined = [one for one in rows if one.bps_code]
    for one in joined:
        assert one.bps_code is not None
        assert len(one.bps_code) == lengths[one.level]
        if one.level != "province":
            assert one.bps_code.startswith(by_code[one.parent or ""].bps_code or "none")
    assert len({one.bps_code for one in joined}) == len(joined)


def test_the_table_speaks_only_of_regions_that_exist(by_code: dict[str, RegionRow]) -> None:
    """The table was made for these regions, not for those of another year."""
    assert bps_codes().keys() <= by_code.keys()
    assert Counter(by_code[code].level for code in bps_codes()) == {"province": 38, "regency": 488, "district": 6_614, "village": 69_986}


@pytest.mark.parametrize(
    ("regency", "villages", "in_both_by_name", "joined"),
    [
        ("31.01", 6, 6, 6),
        ("31.71", 44, 40, 41),
        ("31.72", 31, 31, 31),
        ("31.73", 56, 53, 54),
        ("31.74", 65, 63, 63),
        ("31.75", 65, 56, 59),
        ("32.11", 277, 270, 273),
        ("35.10", 217, 201, 203),
        ("51.01", 51, 44, 45),
    ],
)
def test_the_share_joined_in_the_pilots(rows: list[RegionRow], regency: str, villages: int, in_both_by_name: int, joined: int) -> None:
    """All districts and, of the villages, at least those whose names agree are joined; the aliases add some."""
    below = [one for one in rows if one.code.startswith(f"{regency}.")]

    assert all(one.bps_code for one in below if one.level == "district")
    codes = [one.bps_code for one in below if one.level == "village"]
    assert (len(codes), sum(code is not None for code in codes)) == (villages, joined)
    assert joined >= in_both_by_name

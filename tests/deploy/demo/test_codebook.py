"""The systems' own reading of their words: every word that they use has a code, and one that the contract knows."""

import pytest

from deploy.demo import carik_records, desa, kampung_tables
from deploy.demo.codebook import DWELLING, dwelling_meant, member_meant, toddler_meant
from deploy.demo.days import first_day
from deploy.demo.people import CHILD, HEAD, OTHER, PARTNER, People
from deploy.demo.said import FIELDS
from schemas.codes import CODES
from tests.producers.samples import nik


@pytest.mark.parametrize("words", [carik_records._DWELLING, desa._DWELLING, kampung_tables._DWELLING])
def test_every_word_for_a_dwelling_has_a_code_of_the_contract(words: dict[str, tuple[str, ...]]) -> None:
    """No word of a system is without a meaning, and each means a code that the field has."""
    for name, all_words in words.items():
        place = list(DWELLING).index(name)
        least, greatest = CODES[f"dwelling.{FIELDS['dwelling'][place]}"]
        for word in all_words:
            code = dwelling_meant({name: word})[place]
            assert code is not None
            assert least <= code <= greatest


def test_every_word_for_a_person_has_a_code() -> None:
    """Persons of any relation, age and presence can be said, and children measured."""
    people, told = People(), []
    for year in range(1930, 2024):
        for relation in (HEAD, PARTNER, CHILD, OTHER):
            person = people.add(first_day(year * 12 + relation), relation, woman=year % 2 == 0)
            told += [member_meant(people.record(person, presence, head=relation == HEAD)) for presence in ("ADA", "MENINGGAL", "PINDAH")]

    for place, name in list(enumerate(FIELDS["members"]))[1:]:
        codes = {one[place] for one in told}
        assert len(codes) > 1
        assert None not in codes, name


@pytest.mark.parametrize(("number", "meant"), [("", None), (nik(1)[:-4] + "9999", None), (nik(1), nik(1))])
def test_a_number_that_is_still_to_come_is_none(number: str, meant: str | None) -> None:
    """A person without a number, or with a placeholder, has none."""
    child = {"nik": number, "berat_kg": "12.0", "tinggi_cm": "90", "status_gizi": "NORMAL"}

    assert toddler_meant(child, first_day(2024 * 12))[:1] == [meant]
    assert toddler_meant(child, first_day(2024 * 12))[2:] == [12_000, 900, 0]

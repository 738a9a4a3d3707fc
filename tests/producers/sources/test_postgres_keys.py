"""Keys as an array that the server reads: whatever they hold, it reads these keys and no others."""

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.embedded import EmbeddedServices
from producers.sources.postgres.tables import _array

_WORDS = ("NULL", "null", "", " ", "{}", '"', "\\", "\\\\", '\\"')
_ODD = st.text(st.sampled_from("9a,{}\"\\ \n'NULé"), max_size=6) | st.sampled_from(_WORDS)


def test_the_server_reads_the_keys_that_were_meant(services: EmbeddedServices) -> None:
    """Quotes, backslashes, braces, commas, blanks and the word NULL come back as they were."""
    with psycopg.connect(services.addresses.database) as connection:

        @given(st.lists(_ODD, max_size=8))
        @settings(max_examples=300, deadline=None)
        def read(keys: list[str]) -> None:
            assert connection.execute("select %s::text[]", (_array(keys),)).fetchone() == (keys,)

        read()

"""
What a certification of each of the product's region files does not try, and why.

Why: a scenario that cannot be tried is no failure, so one that went untried by mistake would be seen by nobody.
Must not: grow unseen: whoever adds to it takes something out of a certificate.
"""

from collections.abc import Mapping

__all__ = ["NOT_TRIED"]

_EMPTY = "its records have every field, though it may be empty"
_PUSHES = "its source pushes, and is never asked"
NOT_TRIED: Mapping[str, Mapping[str, str]] = {
    "banyuwangi-smart-kampung": {
        "a missing field": "the key of a table is never empty",
        "a text where a list belongs": "its lists are tables",
        "a field left out that may be": _EMPTY,
    },
    "carik-jakarta": {},
    "jembrana-sddd": {
        "retraction": "it declares no `retracted`",
        "a text where a list belongs": "it reads no list",
        "a name where a programme belongs": "it reads no programme",
        "a field left out that may be": _EMPTY,
    },
    "sumedang-desa": {"source down": _PUSHES},
    "sumedang-simpati": {
        "delete": "it declares no `ended`",
        "a family comes back": "it declares no `ended`",
        "partial update": "its section has no `when`",
        "source down": _PUSHES,
        "a name where a programme belongs": "it reads no programme",
    },
}

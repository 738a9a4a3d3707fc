"""
The causes for which events are rejected, and what a repair could do about each, in words.

Why: whoever looks at a dead letter wants to know what can be done now, by whom, and what the repair file would say.
Must not: judge an event (processors/admission.py does); a test holds the causes here equal to those there.
"""

from collections.abc import Mapping

__all__ = ["REPAIRS"]

_AS_IT_IS = "unchanged = true sends it again as it is"
_ALONE = 'set field "previous_household", drop = true: what it says of the household stands, and its names are not linked by it'

REPAIRS: Mapping[str, str] = {
    "not_the_contract": "the bytes cannot be read, so nothing can be set: the source's adapter must send the change again",
    "unknown_schema": f"once the writer's schema is registered, {_AS_IT_IS}",
    "key_is_not_the_household": (
        'set field "key", copy = "household" where the event is right, or "household", copy = "key" where the key is'
    ),
    "previous_is_the_household": _ALONE,
    "previous_is_empty": _ALONE,
    "key_version_out_of_range": f'{_ALONE}; or "key_version", constant = that of the key that made the household\'s name',
    "region_is_not_the_topics": (
        'set field "topic", copy = "region" where it lay in a wrong topic, or "region", copy = "topic" where it names a wrong regency'
    ),
    "source_not_registered": f'after muara sources load, {_AS_IT_IS}; or set field "source" by constant or table',
    "date_beyond_arrival": (
        'set field "valid_from", at_most = "arrival" (the day on which the record arrived), or a constant date;'
        f" where the day has come meanwhile, {_AS_IT_IS}"
    ),
    "date_before_registers": 'set field "valid_from", at_least = a date, or a constant date',
    "village_unknown": (f'after muara regions load, {_AS_IT_IS}; or set field "residence.village" by table; or drop section "residence"'),
    "village_outside_regency": (
        'set field "residence.village" by table; or "topic" and "region" where another regency is meant; or drop section "residence"'
    ),
    "size_beyond_reason": (
        'set field "composition.size": divide, or range with outside = "nearest" or "drop"; or drop section "composition"'
    ),
    "expenditure_beyond_reason": (
        'set field "welfare.expenditure": divide (a wrong unit), or range with outside = "drop"; or drop section "welfare"'
    ),
    "number_out_of_range": 'set field "mapping_version", constant = the version that was meant',
    "national_identifier_in_text": (
        "set the field by constant where it holds a code, or drop the section that holds the text;"
        " the record itself stays in the topic, so tell who answers for that topic's data"
    ),
}

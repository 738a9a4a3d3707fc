"""
What can be wrong with a source's records, files and answers, and with an adapter's own place; by what must happen next.

Why: a record that the mapping cannot read is put aside with its field and cause, and the next one goes on.
Must not: carry a value that may identify a person: values are masked before they come here.
"""

from schemas.errors import Fatal, Halted, Rejected, Retriable

__all__ = [
    "AdapterRuns",
    "CannotListen",
    "DiskRefuses",
    "FileUnreadable",
    "KeyChanged",
    "KeyMissing",
    "KeyNotBegun",
    "MappingChanged",
    "PreviousKeyWrong",
    "RecordUnreadable",
    "RegionFileWrong",
    "ResendStopped",
    "SampleUnreadable",
    "SealForeign",
    "SealOfAnotherKey",
    "SecretMissing",
    "SourceAway",
    "SourceFrozen",
    "SourcePushes",
    "SourceRefuses",
    "SourceUnready",
    "StateFileForeign",
    "masked",
    "shown_address",
]


class RecordUnreadable(Rejected):
    """{field} {cause} (value {value}): correct the record at its source, or mend the mapping and send again"""

    @property
    def drift(self) -> str:
        """The kind of drift that the fault may be a sign of; empty where it is the record's own."""
        return str(self.facts.get("drift", ""))


class SealOfAnotherKey(Rejected):
    """its record was sealed with version {version} of the key, and version {held} is at hand: give that one, too, as MUARA_PSEUDONYM_PREVIOUS_KEY, or have the source say it again"""  # noqa: E501


class SealForeign(Rejected):
    """its record does not open with version {version} of the key: the key is another one under the same number, or the adapter's file was changed by hand"""  # noqa: E501


class SourceFrozen(Halted):
    """the source has changed ({field}: {drift}) and the region file says freeze: nothing of the batch was kept; mend the mapping, or accept it with muara adapter drift FILE --accept {field}"""  # noqa: E501


class FileUnreadable(Rejected):
    """file {file} {cause}: ask for it again, it is read when it changes"""


class SourceAway(Retriable):
    """the source at {address} does not answer as it should ({why}): trying again in {wait_s:.1f} s"""

    @property
    def wait_s(self) -> float:
        """How long the source wants to be left alone, in seconds."""
        return float(str(self.facts["wait_s"]))

    @property
    def told(self) -> str:
        """What is wrong, where, and what helps, without what an address may hold of a secret."""
        remedy = self.facts.get("remedy") or (f"check the credentials in {self.facts['names']}" if "names" in self.facts else "")
        return f"{self.facts['why']} at {shown_address(str(self.facts['address']))}{': ' if remedy else ''}{remedy}"


class SourceRefuses(SourceAway):
    """the source at {address} refuses us ({why}): check the credentials in {names}; trying again in {wait_s:.1f} s"""


class SourceUnready(SourceAway):
    """the source at {address} is not ready to be read ({why}): trying again in {wait_s:.1f} s"""


class DiskRefuses(Retriable):
    """the adapter's file {file} cannot be written ({why}): free some space; reading waits meanwhile"""


class RegionFileWrong(Fatal):
    """
    {file} has {count}, nothing starts:
    {mistakes}
    """


class SampleUnreadable(Fatal):
    """sample {file} cannot be read ({why}): give {wanted}"""


class KeyMissing(Fatal):
    """no key for pseudonyms ({why}): set MUARA_PSEUDONYM_KEY to at least 32 bytes in hex or base64, or MUARA_PSEUDONYM_KEY_FILE to a file with them"""  # noqa: E501


class SecretMissing(Fatal):
    """{name} is not set: set it to the secret with which the source signs"""


class CannotListen(Fatal):
    """cannot listen at {address} ({why}): is another program there, or does the region file name another machine's address?"""


class SourcePushes(Fatal):
    """{source} pushes and cannot be asked again: raise mapping_version, run it, and have the source send what changed since {since}"""


class PreviousKeyWrong(Fatal):
    """the previous key for pseudonyms cannot be used ({why}): give the key of before as MUARA_PSEUDONYM_PREVIOUS_KEY or MUARA_PSEUDONYM_PREVIOUS_KEY_FILE with its version, or unset all three when keys are not being rotated"""  # noqa: E501


class KeyChanged(Fatal):
    """the key for pseudonyms is not the one that {source} was read with so far, of version {version}{same}: every household would begin anew; restore it, or give it as MUARA_PSEUDONYM_PREVIOUS_KEY beside a new one of a greater version"""  # noqa: E501


class KeyNotBegun(Fatal):
    """the adapter of {source} was not started with this key for pseudonyms: give the key that it runs with, or start it with this one first"""  # noqa: E501


class AdapterRuns(Fatal):
    """an adapter already runs on {file}: end it first, two would send everything twice"""


class StateFileForeign(Fatal):
    """{file} is not a state file of this version ({why}): remove it; the adapter starts over and nothing changes downstream"""


class ResendStopped(Fatal):
    """sending {source} again was stopped before its end, {delivered} events sent and {spooled} read but not sent: run it again, nothing counts twice"""  # noqa: E501


class MappingChanged(Fatal):
    """the mapping of {source} was changed but mapping_version still is {version}: raise it in {file}, or mended statements would not win"""


def shown_address(address: str) -> str:
    """
    Return an address without user, password, query and fragment, which may hold a secret.

    >>> shown_address("https://me:secret@carik.invalid/v1?key=secret"), shown_address("/data/drop")
    ('https://carik.invalid/v1', '/data/drop')
    """
    scheme, sign, rest = address.partition("://")
    if not sign:
        return address.partition("?")[0]
    host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def masked(value: object) -> str:
    """
    Return a value with its letters and digits hidden: its shape, not its content; what is neither and no ASCII is told as `?`.

    >>> masked("3174-0x")
    '9999-9a'
    >>> masked(None)
    'nothing'
    """
    if value is None:
        return "nothing"
    return "".join("9" if one.isdigit() else "a" if one.isalpha() else one if one.isascii() else "?" for one in str(value)[:40])

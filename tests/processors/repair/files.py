"""
Repair files for tests, as a person writes them.

Why: the language is tested by its text, since that is what people see.
Must not: hold a real code.
"""

from processors.repair.language import RepairFile
from processors.repair.repair_file import read_repair_file

__all__ = ["AS_IT_IS", "VILLAGES", "repair_file", "sets"]

VILLAGES = """\
# the village was split in 2023
[match]
cause = "village_unknown"
field = "residence.village"
regency = "91.01"
source = ["alpha", "beta"]
value = "91.01.01.1009"
arrived_from = 2023-01-01

[[set]]
field = "residence.village"
table = {"91.01.01.1009" = "91.01.01.1001"}
"""
AS_IT_IS = 'unchanged = true\n[match]\ncause = "source_not_registered"\n'


def repair_file(text: str) -> RepairFile:
    """Return what a text says."""
    return read_repair_file("repair.toml", text.encode())


def sets(*tables: str, cause: str = "village_unknown") -> RepairFile:
    """Return a file for a cause, each of whose `[[set]]` holds these lines."""
    return repair_file(f'[match]\ncause = "{cause}"\n' + "".join(f"[[set]]\n{table}\n" for table in tables))

"""
A snapshot as text: its encoding, and its lines as cells; read bit by bit, whole or not at all.

Why: a file of any size may lie in the folder, and one that is still being written looks like a village that lost half of its households.
Must not: hold the file in memory, or guess an encoding or delimiter that is not declared.
"""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from producers.declaration.files import FilesSource
from producers.faults import FileUnreadable
from producers.sources.table import Line

__all__ = ["encoding_of", "text_lines"]

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 20
"""Letters; a line of a hundred columns of the longest cells."""
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""How a file may begin that tells its encoding itself."""


def encoding_of(path: Path, declared: FilesSource, name: str) -> str:
    """Return in which of the declared encodings a whole text file can be read; raises `FileUnreadable`."""
    with path.open("rb") as file:
        begin = file.read(3)
    if not begin:
        raise FileUnreadable(file=name, cause="is empty")
    told = next((encoding for mark, encoding in _MARKS.items() if begin.startswith(mark)), None)
    for encoding in declared.encoding:
        known = codecs.lookup(encoding).name
        if told is not None and known.removesuffix("-sig") != told:
            continue
        if told is None and known == "utf-16":
            continue  # without its mark it might be anything
        tried = "utf-8-sig" if told == "utf-8" else encoding
        if (end := _decoded_end(path, tried, name)) is not None:
            if end not in "\r\n":
                raise FileUnreadable(file=name, cause="ends in the middle of a line")
            return tried
    raise FileUnreadable(file=name, cause=f"is not written in {' or '.join(declared.encoding)}")


def _decoded_end(path: Path, encoding: str, name: str) -> str | None:
    """Return the last letter of a file, or None where it is not of an encoding; what holds NULs is of none."""
    decoder, end = codecs.getincrementaldecoder(encoding)(), ""
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                text = decoder.decode(chunk)
                if "\0" in text:
                    raise FileUnreadable(file=name, cause="holds bytes that are no text")
                end = text[-1:] or end
            return decoder.decode(b"", final=True)[-1:] or end
        except UnicodeDecodeError:
            return None


def text_lines(file: TextIO, delimiter: str, name: str) -> Iterator[Line]:
    """Give the lines of an open text file (without translation of line ends) as cells; raises `FileUnreadable`."""
    reader = csv.reader(_bounded(file, name), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error:
        raise FileUnreadable(file=name, cause=f"is no CSV in line {reader.line_num}") from None


def _bounded(file: TextIO, name: str) -> Iterator[str]:
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise FileUnreadable(file=name, cause=f"has a line of more than {_LONGEST_LINE} letters")
        yield line

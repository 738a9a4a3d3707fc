"""
What an XLSX would cost, and what its reader would not tell, before the reader sees it.

Why: a few bytes of a hostile or broken workbook can unpack to gigabytes, or name one cell in the last row of the last column, and the
reader makes memory for all; and it shows a cell that is an error, or a formula that was never computed, as an empty one.
Must not: trust a size that the file tells, or hold more than a piece of it.
"""

import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.etree import ElementTree as ET

from producers.faults import FileUnreadable

__all__ = ["Examined", "examined", "place_of"]

_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_END, _END_SIZE, _END_64 = b"PK\x05\x06", 22, b"PK\x06\x07"
_LARGEST_DIRECTORY, _LARGEST_COMMENT = 256 << 10, 1 << 16
_PIECE, _LONGEST_TAIL, _LARGEST_INDEX = 1 << 16, 1 << 20, 1 << 20
_GREATEST_COST = 64 << 20
"""Bytes that the reader may need for one workbook, by the estimate below: an adapter is to stay below 150 MB with all it does."""
_CELL, _STRING = 90, 120
"""Bytes per cell within the table's bounds, and more per text; measured 85 and 267 with the texts themselves."""
_OTHER_KINDS = {"xl/workbook.bin", "content.xml"}
"""Parts by which the reader would take an archive for another kind of workbook, of which nothing was counted here."""
_INDEX = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")

_PLACE = re.compile(rb"\sr\s*=\s*[\"']\s*([A-Za-z]*)([0-9]+)")
_TAG = re.compile(rb"<(?:\w+:)?(c|row|si|is)[\s/>]")
_SPOILT = re.compile(rb"\st\s*=\s*[\"']e[\"']")
_ERROR = re.compile(rb"<(?:\w+:)?c\s([^<>]*\st\s*=\s*[\"']e[\"'][^<>]*|t\s*=\s*[\"']e[\"'][^<>]*)>")
_UNCOMPUTED = re.compile(
    rb"<(?:\w+:)?c\s([^<>]*)>\s*<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_TEXT_CELL = re.compile(rb"(?:^|\s)t\s*=\s*[\"']str[\"']")


@dataclass(slots=True)
class Examined:
    """A workbook that may be opened: which cells are errors or were never computed, by sheet, and where its days begin."""

    errors: dict[str, set[str]] = field(default_factory=dict)
    """By the sheet's name: places such as B12."""
    uncomputed: dict[str, set[str]] = field(default_factory=dict)
    from_1904: bool = False
    """Whether its day numbers count from 1904 on, as an old Macintosh's do."""


@dataclass(slots=True)
class _Part:
    """What was counted in one part of the archive."""

    cells: int = 0
    rows: int = 0
    texts: int = 0
    last_row: int = 0
    placed: int = 0
    columns: set[bytes] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)
    uncomputed: set[str] = field(default_factory=set)

    def bounds(self) -> int:
        """Return the most cells that the table can span; a cell or row that does not tell its place stands behind the one before."""
        widest = max((place_of(one.decode())[1] for one in self.columns), default=0) + max(0, self.cells - self.placed)
        return (self.last_row + self.rows) * max(widest, 1)


def place_of(text: str) -> tuple[int, int]:
    """
    Return row and column, from 1 on, of a cell's name; 0 where it tells none.

    >>> place_of("AB12"), place_of("C")
    ((12, 28), (0, 3))
    """
    letters = text.rstrip("0123456789")
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return int(text[len(letters) :] or 0), column


def examined(file: BinaryIO, size: int, greatest: int, name: str) -> Examined:
    """Return what must be known of a workbook of a size; `greatest` is the most bytes it may unpack to. Raises `FileUnreadable`."""
    _check_kind(file, size, name)
    _check_directory(file, size, name)
    try:
        entries = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError) as error:
        raise FileUnreadable(file=name, cause="is a damaged workbook") from error
    names = {entry.filename.replace("\\", "/").lower() for entry in entries}
    if len(names) < len(entries) or names & _OTHER_KINDS:
        raise FileUnreadable(file=name, cause="is a damaged workbook, it can be read in two ways")
    if sum(entry.file_size for entry in entries) > greatest:
        raise FileUnreadable(file=name, cause=f"unpacks to more than {greatest >> 20} MB")
    parts: dict[str, _Part] = {}
    index: dict[str, bytes] = {}
    for entry in entries:
        if entry.flag_bits & 1:
            raise FileUnreadable(file=name, cause="is encrypted: ask for it without a password")
        parts[entry.filename], content = _read(file, entry, name)
        if entry.filename in _INDEX:
            index[entry.filename] = content
    _check_cost(parts, entries, name)
    return _by_sheet(parts, index, name)


def _check_kind(file: BinaryIO, size: int, name: str) -> None:
    begin = file.read(len(_OLE))
    if begin.startswith(_OLE):
        encrypted = _ENCRYPTED in begin + file.read(min(size, 1 << 20))
        raise FileUnreadable(file=name, cause="is encrypted: ask for it without a password" if encrypted else "is a workbook of old (.xls)")
    if not begin.startswith(_ZIP):
        raise FileUnreadable(file=name, cause="is empty" if not begin else "is no XLSX, whatever its name says")


def _check_directory(file: BinaryIO, size: int, name: str) -> None:
    """Refuse an archive whose directory is large, lies elsewhere than it says, or can be read in two ways."""
    file.seek(max(0, size - _LARGEST_COMMENT - _END_SIZE))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise FileUnreadable(file=name, cause="is a damaged workbook, its end is missing")
    _, directory, begin, comment = struct.unpack("<10sIIH", tail[at + 2 : at + _END_SIZE])
    end = size - len(tail) + at
    if directory > _LARGEST_DIRECTORY or tail[max(0, at - 20) : at].startswith(_END_64):
        raise FileUnreadable(file=name, cause="is packed in more parts than a workbook has")
    if begin + directory != end or end + _END_SIZE + comment != size:
        raise FileUnreadable(file=name, cause="is a damaged workbook, its directory is not where it says")


def _read(file: BinaryIO, entry: zipfile.ZipInfo, name: str) -> tuple[_Part, bytes]:
    """Return what was counted in a part, and its content if that is small."""
    part, read, tail, held = _Part(), 0, b"", b""
    for piece in _unpacked(file, entry, name):
        read += len(piece)
        if read > entry.file_size:
            raise FileUnreadable(file=name, cause="unpacks to more than it says")
        if read == len(piece) and piece[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileUnreadable(file=name, cause="is written in an encoding that workbooks do not have")
        held = held + piece if read <= _LARGEST_INDEX else b""
        tail += piece
        cut = tail.rfind(b"</row>") + 6 if b"</row>" in tail else tail.rfind(b"<") if len(tail) > _LONGEST_TAIL // 2 else 0
        if cut > 0:
            _count(part, tail[:cut])
            tail = tail[cut:]
        if len(tail) > _LONGEST_TAIL:
            raise FileUnreadable(file=name, cause="is a damaged workbook, it has no end of a row")
    if read != entry.file_size:
        raise FileUnreadable(file=name, cause="is a damaged workbook, a part of it is not as long as it says")
    _count(part, tail)
    return part, held


def _unpacked(file: BinaryIO, entry: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """Give a part piece by piece, as it really unpacks; raises `FileUnreadable`."""
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(_ZIP) or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileUnreadable(file=name, cause="is a damaged workbook")
    file.seek(sum(struct.unpack("<HH", header[26:30])), 1)
    unpack = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    left, waiting = entry.compress_size, b""
    while left or waiting:
        if not waiting:
            waiting = file.read(min(_PIECE, left))
            left -= len(waiting)
            if not waiting:
                raise FileUnreadable(file=name, cause="is a damaged workbook, it ends before its end")
        if unpack is None:
            yield waiting
            waiting = b""
            continue
        try:
            piece = unpack.decompress(waiting, _PIECE)
        except zlib.error as error:
            raise FileUnreadable(file=name, cause="is a damaged workbook") from error
        waiting = unpack.unconsumed_tail
        if piece:
            yield piece
        if unpack.eof:
            return


def _count(part: _Part, piece: bytes) -> None:
    for tag in _TAG.findall(piece):
        if tag == b"c":
            part.cells += 1
        elif tag == b"row":
            part.rows += 1
        else:
            part.texts += 1
    for column, row in set(_PLACE.findall(piece)):
        part.placed += bool(column)
        part.last_row = max(part.last_row, int(row[:10]))
        part.columns.add(column[:5])
    if _SPOILT.search(piece):
        part.errors.update(_named_places(_ERROR.findall(piece)))
    if b"f" in piece:
        part.uncomputed.update(_named_places(one for one in _UNCOMPUTED.findall(piece) if not _TEXT_CELL.search(one)))


def _named_places(attributes: Iterator[bytes] | list[bytes]) -> Iterator[str]:
    for one in attributes:
        if place := _PLACE.search(b" " + one):
            yield (place[1] + place[2]).decode().upper()


def _check_cost(parts: dict[str, _Part], entries: list[zipfile.ZipInfo], name: str) -> None:
    """Refuse a workbook that its reader would need too much memory for."""
    texts = sum(part.texts for part in parts.values()) * _STRING + 2 * sum(e.file_size for e in entries if "sharedStrings" in e.filename)
    # While a second sheet is searched for the header, the one that has it is held.
    cells = sum(sorted(max(part.cells, part.bounds()) for part in parts.values() if part.cells)[-2:]) * _CELL
    if texts + cells > _GREATEST_COST:
        raise FileUnreadable(
            file=name, cause=f"would need more than {_GREATEST_COST >> 20} MB to be read: has it cells far away? Else export it as CSV"
        )


def _by_sheet(parts: dict[str, _Part], index: dict[str, bytes], name: str) -> Examined:
    """Return what was found by the sheets' names."""
    found, targets = Examined(), defaultdict[str, str](str)
    try:
        relations, book = (ET.fromstring(index[one]) for one in reversed(_INDEX))  # noqa: S314 - small, and expat bounds what it expands
    except (KeyError, ET.ParseError) as error:
        raise FileUnreadable(file=name, cause="is a damaged workbook, it has no list of its sheets") from error
    for one in relations:
        targets[one.get("Id", "")] = one.get("Target", "")
    for one in book.iter():
        kind = one.tag.rpartition("}")[2]
        if kind == "workbookPr":
            found.from_1904 = one.get("date1904", "") in ("1", "true")
        if kind == "sheet":
            target = next((targets[value] for key, value in one.attrib.items() if key.endswith("}id")), "")
            part = parts.get(target.removeprefix("/") if target.startswith("/") else f"xl/{target}") or _Part()
            found.errors[one.get("name", "")], found.uncomputed[one.get("name", "")] = part.errors, part.uncomputed
    return found

"""Reads messy CSV as a stream: bytes in, numbered rows out. Pure, and its memory does not grow.

A file is read twice. `Scan` goes through all of it once without keeping anything: it settles the encoding
and the separator and meets every limit before a single contact is written. `records()` then reads with what
is known. A million rows are scanned in about a second.

Encoding: a byte order mark decides; else the whole file is strict UTF-8 or it is cp1252, what Excel writes
in Brazil. Guessing libraries take short Portuguese texts for cp1250, which turns "João" into "Joăo".
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from sintalk.files import sniff
from sintalk.imports import tables
from sintalk.imports.tables import Records, Survey, Unreadable, checked

#: Characters between two line ends; keeps a file without line ends from filling the memory.
MAX_LINE = 8 * 1024 * 1024

SEPARATORS = ";,\t|"
_BLOCK = 256 * 1024
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 1024 * 1024
_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}",
)

csv.field_size_limit(tables.MAX_CELL)


class Scan:
    """The first pass: bytes taken for latin-1, which keeps the structure of every encoding we take but UTF-16.

    `encoding` is settled when all rows were gone through. Raises Unreadable.
    """

    sheet = ""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._blocks = _Watched(_blocks(chunks))
        marked = self._blocks.first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        self._wide = "utf-16" if marked else sniff.utf16(self._blocks.first[: sniff.HEAD])
        self._lines = _lines(self._blocks, self._wide or "latin-1")
        self._sample = list(_first(self._lines))
        self.separator = _separator(self._sample)

    @property
    def encoding(self) -> str:
        return self._wide or self._blocks.encoding

    def __iter__(self) -> Records:
        return _records(_chained(self._sample, self._lines), self.separator)

    def text(self, cell: str) -> str:
        return cell if self._wide else cell.encode("latin-1").decode(self.encoding, "sintalk-cp1252")


def records(chunks: Iterable[bytes], found: Survey) -> Records:
    """All rows as (number, cells), numbered as a spreadsheet does, the header too; blank rows are none."""
    return _records(_lines(_blocks(chunks), found.encoding), found.separator)


def _first(lines: Iterator[str]) -> Iterator[str]:
    """The lines by which the separator is told, as many as may be kept."""
    size = 0
    for line in islice(lines, _SAMPLE_LINES):
        yield line
        size += len(line)
        if size > _SAMPLE_CHARACTERS:
            return


def _chained(first: list[str], rest: Iterator[str]) -> Iterator[str]:
    """Gives the sampled lines again, and lets go of them, before the rest."""
    first.reverse()
    while first:
        yield first.pop()
    yield from rest


def _records(lines: Iterator[str], separator: str) -> Records:
    return checked(_numbered(csv.reader(_without_sep_line(lines), delimiter=separator)))


def _numbered(reader: Iterable[list[str]]) -> Records:
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, cells
    except csv.Error as error:
        raise Unreadable("cell_too_large", number + 1) from error


def _without_sep_line(lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, None)
    if first is not None and not _SEP_LINE.fullmatch(first):
        yield first
    yield from lines


def _separator(sample: list[str]) -> str:
    """What `sep=` says, else what cuts most rows as it cuts the header; the semicolon wins ties."""
    told = _SEP_LINE.fullmatch(sample[0]) if sample else None
    if told:
        return told[1]
    return max(SEPARATORS, key=lambda separator: _consistency(sample, separator))


def _consistency(sample: list[str], separator: str) -> float:
    try:
        widths = [len(cells) for cells in csv.reader(sample, delimiter=separator) if any(cells)]
    except csv.Error:
        return 0
    if not widths or widths[0] < 2:
        return 0
    return Counter(widths)[widths[0]] / len(widths)


# --- bytes -> text -> lines -------------------------------------------------------------------------------


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """A byte that its encoding does not know is read as cp1252, and the five that cp1252 lacks as latin-1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return wrong.decode("latin-1"), error.end


codecs.register_error("sintalk-cp1252", _as_cp1252)


class _Watched:
    """Passes blocks through and settles the encoding on the way: strict UTF-8 or cp1252."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.first = next(blocks, b"")
        self._blocks = blocks
        self._strict: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._seen_utf8 = self.first.startswith(codecs.BOM_UTF8)
        self.encoding = "utf-8"
        kind = sniff.kind(self.first[: sniff.HEAD])
        if kind != "text":
            raise Unreadable("file_empty" if kind == "empty" else "not_a_csv")

    def __iter__(self) -> Iterator[bytes]:
        self._watch(self.first)
        yield self.first
        for block in self._blocks:
            self._watch(block)
            yield block

    def _watch(self, block: bytes) -> None:
        if self._strict is None:
            return
        try:
            text = self._strict.decode(block)
            self._seen_utf8 = self._seen_utf8 or not text.isascii()
        except UnicodeDecodeError:
            self._strict = None
            self.encoding = "utf-8" if self._seen_utf8 or _mostly_utf8(block) else "cp1252"


def _mostly_utf8(block: bytes) -> bool:
    """UTF-8 with a few broken bytes in it; cp1252 text forms next to no valid sequences by chance."""
    sequences = len(_UTF8_SEQUENCE.findall(block))
    rest = _UTF8_SEQUENCE.sub(b"", block)
    return sequences > sum(byte > 127 for byte in rest)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of one size, whatever the network gave, so that two readings of a file never differ."""
    pending = bytearray()
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > tables.MAX_BYTES:
            raise Unreadable("file_too_large")
        pending += chunk
        while len(pending) >= _BLOCK:
            yield bytes(pending[:_BLOCK])
            del pending[:_BLOCK]
    if pending:
        yield bytes(pending)


def _lines(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Lines ending in one newline each: \\r\\n, \\n and a lone \\r all end a line. NULs vanish."""
    errors = "replace" if encoding.startswith("utf-16") else "sintalk-cp1252"
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors), translate=True)
    pending = ""
    first = True
    for block in blocks:
        if first and not encoding.startswith("utf-16"):
            block = block.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901
        first = False
        *whole, pending = (pending + decoder.decode(block).replace("\0", "")).split("\n")
        if len(pending) > MAX_LINE:
            raise Unreadable("row_too_large")
        for line in whole:
            yield line + "\n"
    pending += decoder.decode(b"", final=True)
    if pending:
        yield pending

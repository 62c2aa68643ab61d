"""Tables of every kind, read alike: what a file is, and then its rows. Pure; its memory does not grow.

    found = survey("csv", chunks)                 # all of it once, or only its head
    places = columns(found, {"phone": "Celular"})
    for number, cells in rows(chunks, found): ...  # numbered as a spreadsheet does, the header left out

`chunks` are the bytes of the file from its beginning, in pieces of any size: a new iterator for each pass.
Text that somebody pasted is a `csv`, encoded as UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sintalk.imports import mapping, tables, xlsx
from sintalk.imports import rows as text
from sintalk.imports.mapping import Columns
from sintalk.imports.tables import Records, Survey, Unreadable

__all__ = ["KINDS", "Survey", "Unreadable", "columns", "head", "rows", "survey"]

KINDS = ("csv", "xlsx")
#: What is looked at where only the head is wanted: bytes of a CSV, rows of a sheet.
HEAD = 256 * 1024
HEAD_ROWS = 1_000


def survey(
    kind: str,
    chunks: Iterable[bytes],
    *,
    has_header: bool | None = None,
    head: bool = False,
    pulse: Callable[[], None] = lambda: None,
) -> Survey:
    """What this file is, all of it gone through once; with `head` only its beginning, as far as it goes.

    `has_header` decides whether the first row names the columns; None leaves it to what stands there.
    `pulse` is called now and then meanwhile. Raises Unreadable, and what `chunks` raises.
    """
    if kind == "xlsx":
        with xlsx.opened(chunks, pulse) as book:
            return tables.surveyed(kind, book.head(HEAD_ROWS) if head else book, has_header)
    chunks = _beginning(chunks) if head else chunks
    return tables.surveyed(kind, text.Scan(_pulsing(chunks, pulse)), has_header)


def rows(chunks: Iterable[bytes], found: Survey) -> Records:
    """(number, cells) of every row below the header; blank rows are none. Raises as `survey` does."""
    records = _of_sheet(chunks, found) if found.kind == "xlsx" else text.records(chunks, found)
    return tables.below(records, found)


def head(
    kind: str,
    chunks: Callable[[], Iterable[bytes]],
    limit: int,
    *,
    has_header: bool | None = None,
) -> tuple[Survey, list[tuple[int, list[str]]]]:
    """What the beginning of this file tells, and its first rows, no more than `limit`.

    `chunks` gives the bytes from the beginning each time it is called: twice for a text, which is read no
    further than it must be, and once for a workbook, which has to be here as a whole. Raises as `survey` does.
    """
    if kind == "xlsx":
        with xlsx.opened(chunks()) as book:
            found = tables.surveyed(kind, book.head(HEAD_ROWS), has_header)
            return found, list(islice(tables.below(book.of(found.sheet), found), limit))
    found = survey(kind, chunks(), has_header=has_header, head=True)
    return found, list(islice(rows(chunks(), found), limit)) if limit else []


def columns(found: Survey, told: Mapping[str, Any] | None = None) -> Columns:
    """Which column holds what: by its header or, without one, its content, corrected by what was `told`.

    `told` as `mapping.columns` takes it. Raises Unmappable.
    """
    told = dict(told or {})
    guessed = {what: column for what, column in found.guessed.items() if column not in told.values()}
    return mapping.columns(found.header, {**guessed, **told})


def _of_sheet(chunks: Iterable[bytes], found: Survey) -> Records:
    with xlsx.opened(chunks) as book:
        yield from book.of(found.sheet)


def _pulsing(chunks: Iterable[bytes], pulse: Callable[[], None]) -> Iterator[bytes]:
    for chunk in chunks:
        pulse()
        yield chunk


def _beginning(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        yield chunk[: HEAD - size]
        size += len(chunk)
        if size >= HEAD:
            return

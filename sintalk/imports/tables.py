"""What every kind of table has in common: its limits, what is found out about it, how its columns are called. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from sintalk.imports import contents

MAX_BYTES = 200 * 1024 * 1024
MAX_ROWS = 5_000_000
MAX_COLUMNS = 200
#: Characters of a cell.
MAX_CELL = 100 * 1024
#: Characters of a row, and between two line ends; keeps a file without line ends from filling the memory.
MAX_ROW = 2 * 1024 * 1024

#: Rows by which a table is judged, and the characters of them that are kept meanwhile.
SAMPLE = 100
_SAMPLE_CHARACTERS = 1024 * 1024

#: What a blank row is made of. ASCII only, so that the survey of a CSV, which reads bytes, counts the same rows.
BLANKS = " \t\n\v\f"

Records = Iterator[tuple[int, list[str]]]


class Unreadable(ValueError):
    """This is no table we take. `code` says why, `row` where (as a spreadsheet counts), if it is one place.

    Codes: `not_a_csv`, `not_an_xlsx`, `file_empty`, `file_too_large`,
    `unpacks_too_large`, `too_many_rows`, `too_many_columns`, `cell_too_large`, `row_too_large`.
    """

    def __init__(self, code: str, row: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.row = row


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a file is: its dialect, its columns (each with a name of its own), its number of rows.

    `sheet` is the one that is read of a workbook. Without a header (`has_header`) the columns are called
    Coluna 1, Coluna 2, and `guessed` says by their content which of them hold what: {"phone": "Coluna 2"}.
    """

    kind: str = "csv"
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    has_header: bool = True
    header: tuple[str, ...]
    guessed: Mapping[str, str] = field(default_factory=dict)
    rows: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "header", tuple(self.header))  # JSON made a list of it

    @property
    def width(self) -> int:
        return len(self.header)


class Scan(Protocol):
    """One pass over a table. What it is in the end (`encoding`, ...) is known when its rows were gone through."""

    @property
    def encoding(self) -> str:
        """Of a text; empty for other kinds, as is `separator`."""

    @property
    def separator(self) -> str:
        """What stands between its cells."""

    @property
    def sheet(self) -> str:
        """The sheet that is read, of a workbook."""

    def __iter__(self) -> Records:
        """Its rows that are not blank."""

    def text(self, cell: str) -> str:
        """A cell of these rows as it reads by the encoding that was found in the end."""


def surveyed(kind: str, scan: Scan, has_header: bool | None) -> Survey:
    """Go through a table once, keeping its first rows only. Raises Unreadable."""
    records = iter(scan)
    sample = [cells for _, cells in _little(records)]
    if not sample:
        raise Unreadable("file_empty")
    count = len(sample)
    for count, (number, _) in enumerate(records, len(sample) + 1):
        if count > MAX_ROWS + 1:
            raise Unreadable("too_many_rows", number)
    sample = [[scan.text(cell) for cell in _trimmed(cells)] for cells in sample]
    told = contents.is_header(sample[0]) if has_header is None else has_header
    width = len(sample[0]) if told else max(map(len, sample))
    header = named(sample[0] if told else [""] * width)
    if count - told > MAX_ROWS:
        raise Unreadable("too_many_rows")
    return Survey(
        kind=kind,
        encoding=scan.encoding,
        separator=scan.separator,
        sheet=scan.sheet,
        has_header=told,
        header=header,
        guessed={} if told else {what: header[i] for what, i in contents.guess(sample).items()},
        rows=count - told,
    )


def below(records: Records, found: Survey) -> Records:
    """The rows without their header."""
    if found.has_header:
        next(records, None)
    return records


def checked(records: Iterable[tuple[int, list[str]]]) -> Records:
    """The rows that are not blank. Raises Unreadable at the first that is wider or longer than allowed."""
    for number, cells in records:
        if len(cells) > MAX_COLUMNS and "".join(cells[MAX_COLUMNS:]).strip(BLANKS):
            raise Unreadable("too_many_columns", number)
        joined = "".join(cells)
        if len(joined) > MAX_ROW:
            raise Unreadable("row_too_large", number)
        if joined.strip(BLANKS):
            yield number, cells


def named(cells: Sequence[str]) -> tuple[str, ...]:
    """Headers on one line, the nameless called Coluna 3, the second of the same name Telefone (2)."""
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(cells, 1):
        base = " ".join(cell.split())[:100] or f"Coluna {position}"
        name, count = base, 1
        while name.casefold() in taken:
            count += 1
            name = f"{base} ({count})"
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def _little(records: Records) -> Records:
    """The first rows, as many as may be kept."""
    size = 0
    for number, cells in islice(records, SAMPLE):
        yield number, cells
        size += sum(map(len, cells))
        if size > _SAMPLE_CHARACTERS:
            return


def _trimmed(cells: list[str]) -> list[str]:
    """Without the empty cells at the end, and without what stands beyond the last column that may be."""
    end = len(cells)
    while end and not cells[end - 1].strip(BLANKS):
        end -= 1
    return cells[:end]

"""What expat tells while it reads a part of a workbook, made into tags, shared texts or rows. Pure.

Each keeps what is whole until `made()` takes it away, and raises Unreadable for what no sheet may hold.
"""

from __future__ import annotations

from sintalk.imports import tables
from sintalk.imports.spreadsheets import column_of
from sintalk.imports.tables import Unreadable

#: Excel's own bound; more cells than this in a row are no sheet.
_MAX_CELLS = 16_384
_MAX_NUMBER = 10_000_000
#: Names that stand without a prefix in nearly every sheet.
_PLAIN = frozenset(("c", "v", "t", "row", "f", "is", "rPh", "r"))


class Tags:
    """Every tag as (name, attributes), without prefixes."""

    def __init__(self) -> None:
        self._found: list[tuple[str, dict[str, str]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        plain = {_local(key): value for key, value in attributes.items()}
        self._found.append((_local(name), plain))

    def end(self, name: str) -> None:
        pass

    def characters(self, text: str) -> None:
        pass

    def made(self) -> list[tuple[str, dict[str, str]]]:
        found, self._found = self._found, []
        return found


class Texts:
    """The texts of a table of shared texts. One that is longer than a cell may be is cut just behind that."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._pieces: list[str] = []
        self._size = 0
        self._inside = False
        self._aside = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "t":
            self._inside = not self._aside
        elif name == "rPh":
            self._aside = True
        elif name == "si":
            self._pieces, self._size = [], 0

    def end(self, name: str) -> None:
        name = _local(name)
        if name == "t":
            self._inside = False
        elif name == "rPh":
            self._aside = False
        elif name == "si":
            self._found.append("".join(self._pieces))

    def characters(self, text: str) -> None:
        if self._inside and self._size <= tables.MAX_CELL:
            self._pieces.append(text)
            self._size += len(text)

    def made(self) -> list[str]:
        found, self._found = self._found, []
        return found


class Rows:
    """Rows as (number, [(column from 0, type, style, raw text)]); texts are looked up when a row is wanted."""

    def __init__(self) -> None:
        self._found: list[tuple[int, list[tuple[int, str, str, str]]]] = []
        self._number = 0
        self._cells: list[tuple[int, str, str, str]] = []
        self._column = -1
        self._kind = "n"
        self._style = ""
        self._pieces: list[str] = []
        self._size = 0
        self._inside = False
        self._aside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name not in _PLAIN:
            name = _local(name)
        if name == "c":
            place = attributes.get("r")
            self._column = column_of(place) if place else self._column + 1
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._pieces = []
        elif name in ("v", "t"):
            self._inside = not self._aside
        elif name == "row":
            self._begin(attributes.get("r"))
        elif name == "rPh":
            self._aside = True

    def end(self, name: str) -> None:
        if name not in _PLAIN:
            name = _local(name)
        if name in ("v", "t"):
            self._inside = False
        elif name == "c":
            if self._pieces:
                self._cells.append((self._column, self._kind, self._style, "".join(self._pieces)))
                if len(self._cells) > _MAX_CELLS:
                    raise Unreadable("too_many_columns", self._number)
        elif name == "row":
            if self._cells:
                self._found.append((self._number, self._cells))
        elif name == "rPh":
            self._aside = False

    def characters(self, text: str) -> None:
        if self._inside:
            self._pieces.append(text)
            self._size += len(text)
            if self._size > tables.MAX_ROW:
                raise Unreadable("row_too_large", self._number)

    def made(self) -> list[tuple[int, list[tuple[int, str, str, str]]]]:
        found, self._found = self._found, []
        return found

    def _begin(self, told: str | None) -> None:
        """Numbers only grow, whatever a sheet says: the import's cursor counts on it."""
        self._number = max(int(told) if told else 0, self._number + 1)
        if self._number > _MAX_NUMBER:
            raise Unreadable("not_an_xlsx")
        self._cells, self._column, self._size = [], -1, 0


def _local(name: str) -> str:
    return name.rpartition(":")[2]

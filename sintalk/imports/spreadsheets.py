"""What the cells of a workbook mean: places, shared texts, and numbers as their formats show them. Pure."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import IO

from sintalk.imports.tables import Unreadable

_BLOCK = 32 * 1024
_STRINGS_OF_A_BLOCK = 1_024
_BLOCKS_KEPT = 64
_MAX_TEXTS = 20_000_000
_MAX_FORMATS = 70_000
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")

_columns: dict[str, int] = {}


def column_of(place: str) -> int:
    """AB12 -> 27, counted from 0. Raises ValueError for what is no place in a sheet."""
    letters = place.rstrip("0123456789")
    found = _columns.get(letters)
    if found is None:
        if not re.fullmatch("[A-Z]{1,3}", letters):
            raise ValueError(place)
        found = 0
        for letter in letters:
            found = found * 26 + ord(letter) - 64
        _columns[letters] = found = found - 1
    return found


class SharedTexts:
    """The texts that cells refer to by number, kept in a file in blocks; the last ones used stay in memory.

    They are taken from `items` only as far as they are asked for: the first rows of a sheet need few.
    """

    def __init__(self, file: IO[bytes], items: Iterator[str]) -> None:
        self._file = file
        self._items = items
        self._count = 0
        self._firsts = array("q")
        self._places = array("q", [0])
        self._kept: OrderedDict[int, list[str]] = OrderedDict()
        self._pending: list[str] = []

    def __getitem__(self, number: int) -> str:
        """Raises IndexError (as ValueError) for a number without a text."""
        while number >= self._count:
            if not self._take():
                raise ValueError(number)
        if number < 0:
            raise ValueError(number)
        block = bisect_right(self._firsts, number) - 1
        return self.plain(self._block(block)[number - self._firsts[block]])

    @staticmethod
    def plain(text: str) -> str:
        """Without Excel's own escapes: _x000D_ is a carriage return. What is no character stays as it is."""
        return _ESCAPED.sub(_unescaped, text) if "_x" in text else text

    def _take(self) -> bool:
        """Keep one more block; False where there is nothing more."""
        block, size = [], 0
        for text in islice(self._items, _STRINGS_OF_A_BLOCK):
            block.append(text)
            size += len(text)
            if size > _BLOCK:
                break
        if not block:
            return False
        if self._count > _MAX_TEXTS:
            raise Unreadable("unpacks_too_large")
        data = "\0".join(block).encode()
        self._file.seek(self._places[-1])
        self._file.write(data)
        self._firsts.append(self._count)
        self._places.append(self._places[-1] + len(data))
        self._count += len(block)
        self._keep(len(self._firsts) - 1, block)
        return True

    def _block(self, number: int) -> list[str]:
        found = self._kept.get(number)
        if found is None:
            self._file.seek(self._places[number])
            data = self._file.read(self._places[number + 1] - self._places[number])
            found = data.decode().split("\0")
        return self._keep(number, found)

    def _keep(self, number: int, block: list[str]) -> list[str]:
        self._kept[number] = block
        self._kept.move_to_end(number)
        if len(self._kept) > _BLOCKS_KEPT:
            self._kept.popitem(last=False)
        return block


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if code == 0 or 0xD800 <= code < 0xE000 else chr(code)


#: Excel's own formats for dates and times, by number; those it has for fixed decimals and percentages.
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_DECIMALS = {1: 0, 2: 2, 3: 0, 4: 2, 37: 0, 38: 0, 39: 2, 40: 2}
_PERCENT = {9: 0, 10: 2}
_NOT_SHOWN = re.compile(r"\"[^\"]*\"|\\.|_.|\*.|\[[^\]]*\]")
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates are of no zone
_DAY_ZERO_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_MAX_DAY = 2_958_466


class Formats:
    """How a number is shown by the style of its cell: as a spreadsheet in Brazil does, without its colours.

    Whole numbers as digits (so a phone number is one), dates as 25/12/2026, decimals with a comma.
    Separators of thousands and signs of money are left out.
    """

    def __init__(self, since_1904: bool) -> None:
        self._zero = _DAY_ZERO_1904 if since_1904 else _DAY_ZERO
        self._codes: dict[str, str] = {}
        self._of_style: list[tuple[str, int]] = []

    def learn(self, number: str, code: str) -> None:
        """A format of the workbook's own."""
        if len(self._codes) < _MAX_FORMATS:
            self._codes[number] = code

    def add(self, number: str) -> None:
        """The next style, which shows numbers by this format."""
        if len(self._of_style) < _MAX_FORMATS:
            self._of_style.append(self._kind(number))

    def shown(self, raw: str, style: str) -> str:
        """The number in these characters, which may be none: then they are kept."""
        kind, places = self._of_style[int(style)] if style and int(style) < len(self._of_style) else ("", 0)
        if not kind and raw.isdecimal():
            return raw
        try:
            number = float(raw)
        except ValueError:
            return raw
        if kind == "date" and 0 <= number < _MAX_DAY:
            return self._date(number)
        return _figure(number, kind, places).replace(".", ",")

    def _kind(self, number: str) -> tuple[str, int]:
        told = self._codes.get(number)
        if told is None:
            known = int(number)
            if known in _DATES:
                return "date", 0
            if known in _PERCENT:
                return "percent", _PERCENT[known]
            return ("fixed", _DECIMALS[known]) if known in _DECIMALS else ("", 0)
        return _kind_of_code(told)

    def _date(self, number: float) -> str:
        """A day, a time, or both, to the second."""
        day, seconds = divmod(round(number * 86_400), 86_400)
        if self._zero is _DAY_ZERO and 0 < day < 60:
            day += 1  # Excel counts a 29th of February 1900
        moment = self._zero + timedelta(days=day, seconds=seconds)
        time = moment.strftime("%H:%M" if moment.second == 0 else "%H:%M:%S")
        date = f"{moment.day:02d}/{moment.month:02d}/{moment.year:04d}"
        if not day:
            return time
        return f"{date} {time}" if seconds else date


def _figure(number: float, kind: str, places: int) -> str:
    """The number with a point."""
    if kind == "percent":
        return f"{number * 100:.{places}f}%"
    if kind == "fixed" and places:
        return f"{number:.{places}f}"
    if number.is_integer() and abs(number) < 10**15:
        return f"{int(number):0{places}d}" if kind == "padded" else str(int(number))
    return f"{number:.15g}"


def _kind_of_code(code: str) -> tuple[str, int]:
    """What a format made by somebody shows: `dd/mm/yyyy` a date, `00000` padded digits, `#.##0,00` decimals."""
    shown = _NOT_SHOWN.sub("", code).partition(";")[0]
    if re.search("[dmyhs]", shown, re.IGNORECASE) and "general" not in shown.lower():
        return "date", 0
    decimals = re.search(r"\.(0+)", shown)
    places = len(decimals[1]) if decimals else 0
    if "%" in shown:
        return "percent", places
    if "E" in shown.upper() or "general" in shown.lower():
        return "", 0
    if re.fullmatch("0{2,}", shown):
        return "padded", len(shown)
    return ("fixed", places) if places else ("", 0)

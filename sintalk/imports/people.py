"""A row of cells becomes a person, or is rejected with a reason. Pure.

Reasons: `missing_name`, `missing_phone` (neither a phone nor a valid address), and those of
`contacts.phones` (`invalid_phone`, `phone_missing_area_code`, `phone_scientific_notation`).
Warnings count what was repaired or left out without losing the person: `ninth_digit_added`,
`several_numbers`, `invalid_email`, `name_shortened`, `extra_cells`, `fixed_line`, `spreadsheet_error`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sintalk.contacts import cleaning, phones
from sintalk.imports.mapping import Columns

#: What a formula leaves in its cell when it fails, in Portuguese, English and Spanish.
_ERROR_WORDS = (
    "#N/D #N/A #REF! #¡REF! #VALOR! #VALUE! #¡VALOR! #DIV/0! #¡DIV/0! #NOME? #NAME? #¿NOMBRE? "
    "#NULO! #NULL! #¡NULO! #NÚM! #NUM! #¡NUM! #DESPEJAR! #SPILL! #CALC!"
)
_ERRORS = frozenset(_ERROR_WORDS.split())


def _is_error(cell: str) -> bool:
    return cell[:1] == "#" and cell.strip().upper() in _ERRORS


@dataclass(slots=True)
class Person:
    """One contact to be written. Without a phone, the address tells people apart."""

    row: int
    name: str
    email: str | None
    phone: str | None
    attributes: dict[str, str]

    @property
    def key(self) -> str:
        """What makes two rows the same contact of a list."""
        return self.phone or f"@{(self.email or '').lower()}"

    def absorb(self, later: Person) -> None:
        """A later row of the same contact adds to it and wins, as it would against the list."""
        self.name = later.name
        self.email = later.email or self.email
        self.attributes.update(later.attributes)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out: its number as a spreadsheet counts, why, and its cells as they were."""

    row: int
    reason: str
    cells: list[str]


@dataclass
class Reader:
    """Reads rows by a mapping, and counts what it had to repair."""

    columns: Columns
    width: int
    default_ddd: str | None = None
    warnings: Counter[str] = field(default_factory=Counter)

    def read(self, row: int, told: list[str]) -> Person | Reject:
        """Repairs are counted where they led to somebody; a reject keeps its cells as they came."""
        repairs: list[str] = []
        cells = self._cells(told, repairs)
        number = self._phone(cells)
        email = self._email(cells, repairs)
        if number.phone is None and not (email and number.reason == "missing_phone"):
            return Reject(row, number.reason or "invalid_phone", told)
        name = self._name(cells, number.phone or email or "", repairs)
        if not name:
            return Reject(row, "missing_name", told)
        if number.kind == "fixed":
            repairs.append("fixed_line")
        if repairs or number.flags:
            self.warnings.update((*repairs, *number.flags))
        attributes = {
            key: value
            for key, position in self.columns.attributes.items()
            if (value := cleaning.storable(cells[position]))
        }
        return Person(row, name, email, number.phone, attributes)

    def _cells(self, told: list[str], repairs: list[str]) -> list[str]:
        """As many as the header has at least, without the errors that formulas left."""
        cells = told
        if len(cells) < self.width:
            cells = cells + [""] * (self.width - len(cells))
        elif len(cells) > self.width and any(cells[self.width :]):
            repairs.append("extra_cells")
        if "#" in "".join(cells) and any(map(_is_error, cells)):
            repairs.append("spreadsheet_error")
            cells = ["" if _is_error(cell) else cell for cell in cells]
        return cells

    def _phone(self, cells: list[str]) -> phones.Reading:
        columns = self.columns
        if columns.phone is None:
            return phones.MISSING
        ddd = cells[columns.ddd] if columns.ddd is not None else ""
        return phones.read(cells[columns.phone], ddd=ddd, default_ddd=self.default_ddd)

    def _email(self, cells: list[str], repairs: list[str]) -> str | None:
        if self.columns.email is None or not (text := cells[self.columns.email].strip()):
            return None
        email = cleaning.email(text)
        if email is None:
            repairs.append("invalid_email")
        return email

    def _name(self, cells: list[str], otherwise: str, repairs: list[str]) -> str:
        """The name; in a file without a column of names, what there is to call the person by."""
        columns = self.columns
        if columns.name is None:
            return phones.shown(otherwise)
        name = cleaning.one_line(cells[columns.name])
        if columns.surname is not None:
            name = cleaning.one_line(f"{name} {cells[columns.surname]}")
        if len(name) > cleaning.MAX_NAME:
            repairs.append("name_shortened")
            name = name[: cleaning.MAX_NAME].rstrip()
        return name

"""A row of cells becomes a person, or is rejected with a reason. Pure.

Reasons: `missing_name`, `missing_phone` (neither a phone nor a valid address), and those of
`contacts.phones` (`invalid_phone`, `phone_missing_area_code`, `phone_scientific_notation`).
Warnings count what was repaired or left out without losing the person: `ninth_digit_added`,
`several_numbers`, `invalid_email`, `name_shortened`, `extra_cells`, `fixed_line`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sintalk.contacts import cleaning, phones
from sintalk.imports.mapping import Columns


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

    def read(self, row: int, cells: list[str]) -> Person | Reject:
        if len(cells) < self.width:
            cells = cells + [""] * (self.width - len(cells))
        elif len(cells) > self.width and any(cells[self.width :]):
            self.warnings["extra_cells"] += 1
        number = self._phone(cells)
        email = self._email(cells)
        if number.phone is None and not (email and number.reason == "missing_phone"):
            return Reject(row, number.reason or "invalid_phone", cells)
        name = self._name(cells, number.phone or email or "")
        if not name:
            return Reject(row, "missing_name", cells)
        for flag in number.flags:
            self.warnings[flag] += 1
        if number.kind == "fixed" and number.phone:
            self.warnings["fixed_line"] += 1
        attributes = {
            key: value
            for key, position in self.columns.attributes.items()
            if (value := cleaning.storable(cells[position]))
        }
        return Person(row, name, email, number.phone, attributes)

    def _phone(self, cells: list[str]) -> phones.Reading:
        columns = self.columns
        if columns.phone is None:
            return phones.MISSING
        ddd = cells[columns.ddd] if columns.ddd is not None else ""
        return phones.read(cells[columns.phone], ddd=ddd, default_ddd=self.default_ddd)

    def _email(self, cells: list[str]) -> str | None:
        if self.columns.email is None or not (text := cells[self.columns.email].strip()):
            return None
        email = cleaning.email(text)
        if email is None:
            self.warnings["invalid_email"] += 1
        return email

    def _name(self, cells: list[str], otherwise: str) -> str:
        """The name; in a file without a column of names, what there is to call the person by."""
        columns = self.columns
        if columns.name is None:
            return phones.shown(otherwise)
        name = cleaning.one_line(cells[columns.name])
        if columns.surname is not None:
            name = cleaning.one_line(f"{name} {cells[columns.surname]}")
        if len(name) > cleaning.MAX_NAME:
            self.warnings["name_shortened"] += 1
            name = name[: cleaning.MAX_NAME].rstrip()
        return name

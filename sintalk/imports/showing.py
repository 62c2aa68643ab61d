"""A look at a file as people see it: columns with their examples, rows by outcome, values old and new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from sintalk.imports import reasons
from sintalk.imports.findings import Findings
from sintalk.imports.forms import IGNORE, KEEP
from sintalk.imports.mapping import FIELDS
from sintalk.imports.models import ImportCheck


@dataclass(frozen=True)
class Column:
    """One column: its name, its first cells, and what it is taken for (a field, `keep` or `ignore`)."""

    name: str
    examples: list[str]
    choice: str


@dataclass(frozen=True)
class Shown:
    """`whole` where `found` is of all rows, else it is of the first ones. `known` counts changed and same
    people and doubled rows. The pass in the background polls every `poll_s` seconds."""

    look: ImportCheck
    survey: dict[str, Any]
    columns: list[Column]
    found: Findings | None
    whole: bool
    failure: str | None
    rejected: list[tuple[str, int]]
    rejects: list[tuple[int, str, str]]
    warnings: list[tuple[str, int]]
    changes: list[dict[str, Any]]
    poll_s: int

    @property
    def stops(self) -> bool:
        """Whether it cannot be imported like this."""
        return self.look.status == "failed"


def show(look: ImportCheck) -> Shown:
    """Everything that the page of a look at a file says."""
    whole = look.status == "completed"
    stored = look.found if whole or look.processed_rows else look.head.get("findings")
    found = Findings.from_json(stored) if stored else None
    return Shown(
        look=look,
        survey=look.head["survey"],
        columns=_columns(look),
        found=found,
        whole=whole,
        failure=reasons.failure(look.error_code, look.error_row) if look.error_code else None,
        rejected=_in_words(found.reasons, reasons.reject) if found else [],
        rejects=[(r["row"], reasons.reject(r["reason"]), _line(r["cells"])) for r in found.rejects]
        if found
        else [],
        warnings=_in_words(found.warnings, reasons.warning) if found else [],
        changes=[_change(each) for each in found.changes] if found else [],
        poll_s=1,
    )


def choices(purpose: str) -> list[tuple[str, str]]:
    """What a column may be taken for."""
    if purpose == "opt_outs":
        return [("phone", _("Phone")), ("ddd", _("Area code (DDD)")), (IGNORE, _("Not used"))]
    return [
        ("name", _("Name")),
        ("surname", _("Surname")),
        ("phone", _("Phone")),
        ("ddd", _("Area code (DDD)")),
        ("email", _("E-mail")),
        (KEEP, _("Variable for messages")),
        (IGNORE, _("Do not import")),
    ]


def _columns(look: ImportCheck) -> list[Column]:
    header, places = look.head["survey"]["header"], look.head.get("columns")
    taken = _taken(header, places, look.mapping)
    otherwise = IGNORE if look.purpose == "opt_outs" else KEEP if places is None else IGNORE
    return [
        Column(name, [row[i] for row in look.head["rows"] if row[i].strip()][:3], taken.get(i, otherwise))
        for i, name in enumerate(header)
    ]


def _taken(header: list[str], places: dict[str, Any] | None, mapping: dict[str, Any]) -> dict[int, str]:
    """Column -> what it is; where the header was not understood, what was told of it."""
    if places is not None:
        kept = dict.fromkeys(places["attributes"].values(), KEEP)
        return kept | {places[field]: field for field in FIELDS if places[field] is not None}
    told = {mapping[field]: field for field in FIELDS if mapping.get(field)}
    return {i: told[name] for i, name in enumerate(header) if name in told}


def _in_words(counts: dict[str, int], words: Any) -> list[tuple[str, int]]:
    return [(words(code), count) for code, count in sorted(counts.items(), key=lambda each: -each[1])]


def _line(cells: list[str]) -> str:
    return " · ".join(cell.strip() for cell in cells if cell.strip())


def _change(each: dict[str, Any]) -> dict[str, Any]:
    """With the names of fields as people call them."""
    words = {"name": _("Name"), "email": _("E-mail")}
    values = [(words.get(f) or f.removeprefix("attributes."), old, new) for f, old, new in each["values"]]
    return {**each, "values": values}

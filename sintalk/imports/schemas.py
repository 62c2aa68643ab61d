from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from flask import current_app, url_for
from flask_babel import gettext as _
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from sintalk.contacts import phones
from sintalk.imports.models import ContactImport, ImportCheck, ImportUndo
from sintalk.imports.wishes import Wishes
from sintalk.web.schemas import Answer, Body, Id, PageOf, Path, Timestamp

Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _ddd(value: str) -> str:
    if not phones.is_ddd(value):
        raise PydanticCustomError(
            "invalid_ddd", "{sentence}", {"sentence": _("This is not an area code of Brazil.")}
        )
    return value


Ddd = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$"), AfterValidator(_ddd)]


class MappingIn(Body):
    """Which column holds what, by the file's own headers. What is left out is guessed; null is not used."""

    name: Column | None = Field(None, examples=["Nome"])
    surname: Column | None = None
    phone: Column | None = Field(None, examples=["Celular"])
    email: Column | None = None
    ddd: Column | None = Field(None, description="A column of area codes for numbers without one")
    attributes: dict[Annotated[str, StringConstraints(min_length=1, max_length=110)], Column] | None = Field(
        None, max_length=200, description="Attribute -> column. Left out, all other columns are attributes"
    )


class ImportIn(Body):
    file_id: Id
    purpose: Literal["contacts", "opt_outs"] = Field(
        "contacts",
        description="opt_outs: no contact is touched; every number of the file is opted out of `channels`. "
        "Extension",
    )
    mapping: MappingIn | None = None
    on_duplicate: Literal["update", "skip"] = "update"
    default_ddd: Ddd | None = Field(None, description="For numbers without an area code", examples=["11"])
    has_header: bool | None = Field(
        None,
        description="Whether the first row names the columns; left out, the file tells. Without a header the "
        "columns are called Coluna 1, Coluna 2 ... and guessed by what is in them",
    )
    channels: list[Literal["sms", "rcs", "voice"]] = Field(
        default_factory=list,
        max_length=3,
        description="Of opt-outs; none means every channel. Extension",
        examples=[[]],
    )

    @property
    def wishes(self) -> Wishes:
        """Without the file, as the verbs take it."""
        return Wishes(
            purpose=self.purpose,
            mapping=self.mapping.model_dump(exclude_unset=True) if self.mapping else {},
            on_duplicate=self.on_duplicate,
            default_ddd=self.default_ddd,
            has_header=self.has_header,
            channels=tuple(dict.fromkeys(self.channels)),
        )


class UndoOut(Answer):
    """An import being taken back: removed + restored + kept = processed of total contacts."""

    status: Literal["queued", "running", "completed", "failed", "canceled"]
    total: int = Field(examples=[600])
    processed: int = Field(examples=[600])
    removed_count: int = Field(description="Created by the import, and off the list again", examples=[590])
    restored_count: int = Field(description="Changed by the import, and as they were before", examples=[9])
    kept_count: int = Field(description="Changed or removed by somebody since: left alone", examples=[1])
    finished_at: Timestamp | None

    @classmethod
    def of(cls, undo: ImportUndo) -> UndoOut:
        values: dict[str, Any] = {
            name: getattr(undo, name, None) for name in set(cls.model_fields) - {"total", "processed"}
        }
        return cls(**values, total=undo.total_rows, processed=undo.processed_rows)


class ImportOut(Answer):
    """At the end created + updated + skipped + rejected = total_rows."""

    id: Id
    contact_list_id: Id
    file_id: Id
    purpose: Literal["contacts", "opt_outs"]
    status: Literal["queued", "running", "completed", "failed", "canceled"]
    total_rows: int = Field(examples=[1200])
    processed_rows: int = Field(examples=[600])
    created_count: int = Field(examples=[590])
    updated_count: int = Field(examples=[10])
    unchanged_count: int = Field(
        description="Of the updated ones: they said what the list had already", examples=[4]
    )
    skipped_count: int
    rejected_count: int
    opted_out_count: int = Field(description="Rows whose number opted out: imported, and not written to")
    warnings: dict[str, int] = Field(description="How often what was repaired or left out of a row")
    progress: float = Field(ge=0, le=1, examples=[0.5])
    error_code: str | None
    error_row: int | None = Field(description="The row at fault, as a spreadsheet counts")
    rejects_url: str | None = Field(description="The rejected rows with their reasons, as CSV")
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None
    undo_until: Timestamp | None = Field(description="Until when POST /imports/{id}/undo takes it back")
    undo: UndoOut | None

    @classmethod
    def of(cls, job: ContactImport, undo: ImportUndo | None = None) -> ImportOut:
        """The import as the API shows it."""
        names = set(cls.model_fields) - {"rejects_url", "undo"}
        values: dict[str, Any] = {name: getattr(job, name) for name in names}
        return cls(**values, rejects_url=rejects_url(job), undo=UndoOut.of(undo) if undo else None)


class ImportPage(PageOf[ImportOut]):
    """The imports of a list."""


class Understood(Answer):
    """What a file is, as far as it was looked at."""

    kind: Literal["csv", "xlsx"]
    encoding: str = Field(examples=["cp1252"])
    separator: str = Field(examples=[";"])
    sheet: str = Field(description="Of a workbook: the sheet that is read", examples=[""])
    has_header: bool
    header: list[str] = Field(examples=[["Nome", "Celular", "Cidade"]])


class PlacesOut(Answer):
    """Which column is taken for what, by its header; null where there is none."""

    name: str | None = Field(examples=["Nome"])
    surname: str | None
    phone: str | None = Field(examples=["Celular"])
    email: str | None
    ddd: str | None
    attributes: dict[str, str] = Field(examples=[{"Cidade": "Cidade"}])

    @classmethod
    def of(cls, header: Sequence[str], columns: Mapping[str, Any]) -> PlacesOut:
        named = {
            name: None if columns[name] is None else header[columns[name]]
            for name in set(cls.model_fields) - {"attributes"}
        }
        return cls(**named, attributes={key: header[i] for key, i in columns["attributes"].items()})


class NewOut(Answer):
    """Somebody who would be added."""

    row: int = Field(examples=[2])
    name: str = Field(examples=["João"])
    email: str | None
    phone: str | None = Field(examples=["+5511999990001"])
    attributes: dict[str, str]


class ChangedValue(Answer):
    field: str = Field(examples=["attributes.Cidade"])
    old: str | None = Field(examples=["Rio"])
    new: str | None = Field(examples=["São Paulo"])


class ChangeOut(Answer):
    """Somebody whom the list has, and what would change."""

    row: int = Field(examples=[3])
    name: str = Field(description="As the list has it", examples=["Ana"])
    email: str | None
    phone: str | None = Field(examples=["+5511999990002"])
    values: list[ChangedValue]


class RejectOut(Answer):
    """A row that would be left out."""

    row: int = Field(examples=[4])
    reason: str = Field(examples=["invalid_phone"])
    cells: list[str] = Field(examples=[["Bia", "123", "Rio"]])


class FindingsOut(Answer):
    """created + changed + same + doubled + rejected = rows. An import counts changed, same and doubled
    together, as updated or skipped."""

    rows: int = Field(examples=[1200])
    created: int = Field(examples=[590])
    changed: int = Field(examples=[6])
    same: int = Field(examples=[4])
    doubled: int = Field(description="Rows of somebody whom the file had before", examples=[0])
    rejected: int = Field(examples=[600])
    opted_out: int
    reasons: dict[str, int] = Field(description="Rejected rows by reason", examples=[{"invalid_phone": 600}])
    warnings: dict[str, int]
    news: list[NewOut] = Field(description="Examples")
    changes: list[ChangeOut] = Field(description="Examples")
    rejects: list[RejectOut] = Field(description="Examples of each reason")

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> FindingsOut | None:
        """What a check keeps; None before anything was found."""
        if not stored:
            return None
        changes = [
            {**each, "values": [dict(zip(("field", "old", "new"), v, strict=True)) for v in each["values"]]}
            for each in stored["changes"]
        ]
        return cls(**{**stored, "changes": changes})


class PreviewOut(Answer):
    """A look at a file; the list is not touched. `head` is of the first rows and there at once, `found` of all
    of them when `status` is completed."""

    id: Id
    contact_list_id: Id
    file_id: Id
    status: Literal["queued", "running", "completed", "failed", "canceled"]
    total_rows: int = Field(examples=[1200])
    processed_rows: int = Field(examples=[1200])
    progress: float = Field(ge=0, le=1, examples=[1])
    error_code: str | None
    error_row: int | None
    understood: Understood
    places: PlacesOut | None
    rows: list[list[str]] = Field(
        description="The first rows as they are", examples=[[["João", "11999990001", "Rio"]]]
    )
    head: FindingsOut | None
    found: FindingsOut | None
    created_at: Timestamp
    finished_at: Timestamp | None

    @classmethod
    def of(cls, check: ImportCheck) -> PreviewOut:
        """The look as the API shows it."""
        plain = set(cls.model_fields) - {"understood", "places", "rows", "head", "found"}
        values: dict[str, Any] = {name: getattr(check, name) for name in plain}
        survey, columns = check.head["survey"], check.head.get("columns")
        return cls(
            **values,
            understood=Understood(**{name: survey[name] for name in Understood.model_fields}),
            places=PlacesOut.of(survey["header"], columns) if columns else None,
            rows=check.head["rows"],
            head=FindingsOut.of(check.head.get("findings") or {}),
            found=FindingsOut.of(check.found),
        )


class PreviewPath(Path):
    list_id: Id
    check_id: Id


class ImportPath(Path):
    list_id: Id
    import_id: Id


class CancelPath(Path):
    import_id: Id


def rejects_url(job: ContactImport) -> str | None:
    """Where the rejected rows can be had; None where there are none."""
    if not job.rejected_count:
        return None
    path = url_for(
        "api_contact_import.download_import_rejects", list_id=job.contact_list_id, import_id=job.id
    )
    return f"{current_app.config['SETTINGS'].public_url}{path}"

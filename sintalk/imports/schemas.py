from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import current_app, url_for
from flask_babel import gettext as _
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from sintalk.contacts import phones
from sintalk.imports.models import ContactImport
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
    attributes: dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Column] | None = Field(
        None, max_length=200, description="Attribute -> column. Left out, all other columns are attributes"
    )


class ImportIn(Body):
    file_id: Id
    mapping: MappingIn | None = None
    on_duplicate: Literal["update", "skip"] = "update"
    default_ddd: Ddd | None = Field(None, description="For numbers without an area code", examples=["11"])
    has_header: bool | None = Field(
        None,
        description="Whether the first row names the columns; left out, the file tells. Without a header the "
        "columns are called Coluna 1, Coluna 2 ... and guessed by what is in them",
    )


class ImportOut(Answer):
    """At the end created + updated + skipped + rejected = total_rows."""

    id: Id
    contact_list_id: Id
    file_id: Id
    status: Literal["queued", "running", "completed", "failed", "canceled"]
    total_rows: int = Field(examples=[1200])
    processed_rows: int = Field(examples=[600])
    created_count: int = Field(examples=[590])
    updated_count: int = Field(examples=[10])
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

    @classmethod
    def of(cls, job: ContactImport) -> ImportOut:
        """The import as the API shows it."""
        names = set(cls.model_fields) - {"rejects_url"}
        values: dict[str, Any] = {name: getattr(job, name) for name in names}
        return cls(**values, rejects_url=rejects_url(job))


class ImportPage(PageOf[ImportOut]):
    """The imports of a list."""


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

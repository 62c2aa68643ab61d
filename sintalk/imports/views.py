"""Pages of imports: choose a file, watch it come in, see what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.contacts import service as contacts
from sintalk.errors import Conflict, Detail, DomainError, Invalid
from sintalk.files import service as files
from sintalk.imports import service
from sintalk.imports.downloads import as_download
from sintalk.imports.forms import ImportForm
from sintalk.imports.models import ContactImport
from sintalk.imports.progress import look
from sintalk.web.forms import show_faults
from sintalk.web.htmx import paging
from sintalk.web.paging import paginate

bp = Blueprint("imports", __name__, url_prefix="/contacts/<uuid:list_id>")

#: A little more than a file may have: the rest of a form around it.
_FORM = files.LIMITS["csv"] + 1024 * 1024


@bp.url_value_preprocessor
def _take_whole_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Without script the file itself comes in the form. Said here, before anybody reads the form."""
    if request.method == "POST" and request.endpoint == "imports.start":
        request.max_content_length = _FORM


@bp.get("/imports")
def index(list_id: UUID) -> ResponseReturnValue:
    """What came into this list from files, newest first."""
    found = contacts.get_list(g.actor.tenant_id, list_id)
    page = paginate(service.imports_of(g.actor.tenant_id, list_id), paging(), by=ContactImport.id)
    return render_template("imports/index.html", list=found, page=page)


@bp.get("/import")
def new(list_id: UUID) -> ResponseReturnValue:
    """Choose a file."""
    return _form_page(list_id, ImportForm(formdata=None))


@bp.post("/import")
def start(list_id: UUID) -> ResponseReturnValue:
    """Confirm the uploaded file, or take the one in the form, and begin."""
    contacts.get_list(g.actor.tenant_id, list_id)
    form = ImportForm()
    try:
        wanted = form.checked(_file_id(form))
        job = service.start(g.actor.tenant_id, list_id, **wanted.model_dump(exclude={"mapping"}))
    except DomainError as error:
        _show(form, error)
        return _form_page(list_id, form), error.status
    return redirect(url_for(".show", list_id=list_id, import_id=job.id), 303)


@bp.get("/imports/<uuid:import_id>")
def show(list_id: UUID, import_id: UUID) -> ResponseReturnValue:
    """How far it is, and what became of it."""
    return _progress("imports/show.html", list_id, import_id)


@bp.get("/imports/<uuid:import_id>/progress")
def progress(list_id: UUID, import_id: UUID) -> ResponseReturnValue:
    """The live part of the page."""
    return _progress("imports/_progress.html", list_id, import_id)


@bp.post("/imports/<uuid:import_id>/cancel")
def cancel(list_id: UUID, import_id: UUID) -> ResponseReturnValue:
    """Stop where it stands."""
    service.get(g.actor.tenant_id, list_id, import_id)
    try:
        service.cancel(g.actor.tenant_id, import_id)
    except Conflict as error:
        flash(str(error.message), "info")
    return redirect(url_for(".show", list_id=list_id, import_id=import_id), 303)


@bp.get("/imports/<uuid:import_id>/rejects.csv")
def rejects(list_id: UUID, import_id: UUID) -> Response:
    """The rows that were left out, as a file."""
    return as_download(service.get(g.actor.tenant_id, list_id, import_id))


def _file_id(form: ImportForm) -> UUID:
    """The confirmed file. Raises Invalid, Conflict and what else `files` refuses with."""
    tenant_id = g.actor.tenant_id
    if form.file_id.data:
        wanted = form.checked(form.file_id.data)
        return files.confirm(tenant_id, wanted.file_id).id
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid(Detail("file", "required", _("Choose a file.")))
    return files.receive(
        tenant_id, kind="csv", filename=sent.filename[-255:], content_type="text/csv", body=sent.stream
    ).id


def _show(form: ImportForm, error: DomainError) -> None:
    """What is wrong with the file stands at the file."""
    form.file_id.data = ""
    if isinstance(error, Invalid):
        names = {
            fault.field: "file" for fault in error.details if fault.field.startswith(("file", "mapping"))
        }
        show_faults(form, error, fields=names)
    else:
        form.file.errors = [str(error.message)]


def _form_page(list_id: UUID, form: ImportForm) -> str:
    found = contacts.get_list(g.actor.tenant_id, list_id)
    return render_template("imports/new.html", list=found, form=form, limit=files.LIMITS["csv"])


def _progress(template: str, list_id: UUID, import_id: UUID) -> str:
    job = service.get(g.actor.tenant_id, list_id, import_id)
    return render_template(
        template,
        list=contacts.get_list(g.actor.tenant_id, list_id),
        file=files.get(g.actor.tenant_id, job.file_id),
        seen=look(job),
    )

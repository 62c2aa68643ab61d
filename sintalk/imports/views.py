"""Pages of imports: choose a file, check it, watch it come in, see what became of it, take it back."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.contacts import service as contacts
from sintalk.errors import Conflict, Detail, DomainError, Invalid
from sintalk.files import service as files
from sintalk.imports import pasting, preview, reading, service, showing
from sintalk.imports.downloads import as_download
from sintalk.imports.forms import SourceForm, WishesForm
from sintalk.imports.models import ContactImport, ImportCheck
from sintalk.imports.progress import look
from sintalk.imports.wishes import Wishes
from sintalk.web.forms import Form, show_faults
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
        request.max_form_memory_size = pasting.MAX * 4


@bp.get("/imports")
def index(list_id: UUID) -> ResponseReturnValue:
    """What came into this list from files, newest first."""
    found = contacts.get_list(g.actor.tenant_id, list_id)
    page = paginate(service.imports_of(g.actor.tenant_id, list_id), paging(), by=ContactImport.id)
    undone = service.undos_of(page.data)
    return render_template("imports/index.html", list=found, page=page, undone=undone)


# --- choose ------------------------------------------------------------------------------------------------


@bp.get("/import")
def new(list_id: UUID) -> ResponseReturnValue:
    """Choose a file, or paste."""
    return _source_page(list_id, SourceForm(formdata=None))


@bp.post("/import")
def start(list_id: UUID) -> ResponseReturnValue:
    """Take the file, or what was pasted, and look at it."""
    contacts.get_list(g.actor.tenant_id, list_id)
    form = SourceForm()
    try:
        wanted = form.checked(_file_id(form))
        check = preview.begin(
            g.actor.tenant_id, list_id, file_id=wanted.file_id, wishes=wanted.wishes, by_hand=True
        )
    except DomainError as error:
        _show(form, error, "pasted" if form.pasted.data and not form.file_id.data else "file")
        return _source_page(list_id, form), error.status
    return redirect(url_for(".check", list_id=list_id, check_id=check.id), 303)


# --- check -------------------------------------------------------------------------------------------------


@bp.get("/import/<uuid:check_id>")
def check(list_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """What was understood, and what would become of the rows."""
    found = preview.get(g.actor.tenant_id, list_id, check_id)
    if found.import_id is not None:
        return redirect(url_for(".show", list_id=list_id, import_id=found.import_id), 303)
    return _check_page(found, WishesForm.of(found))


@bp.get("/import/<uuid:check_id>/findings")
def findings(list_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """The live part of the page."""
    found = preview.get(g.actor.tenant_id, list_id, check_id)
    contact_list = contacts.get_list(g.actor.tenant_id, list_id)
    return render_template("imports/_findings.html", list=contact_list, seen=showing.show(found))


@bp.post("/import/<uuid:check_id>")
def decide(list_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """Look again with other wishes, or import; what was changed is looked at before it is imported."""
    tenant_id = g.actor.tenant_id
    found = preview.get(tenant_id, list_id, check_id)
    form = WishesForm()
    try:
        wishes = form.wishes(found)
        if _differ(wishes, found):
            preview.change(tenant_id, list_id, check_id, wishes)
        elif request.form.get("action") == "run":
            job = preview.run(tenant_id, list_id, check_id)
            return redirect(url_for(".show", list_id=list_id, import_id=job.id), 303)
    except DomainError as error:
        _show(form, error, "default_ddd")
        return _check_page(found, form), error.status
    return redirect(url_for(".check", list_id=list_id, check_id=check_id), 303)


@bp.post("/import/<uuid:check_id>/cancel")
def stop_check(list_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """Go through the file no further."""
    preview.cancel(g.actor.tenant_id, list_id, check_id)
    return redirect(url_for(".check", list_id=list_id, check_id=check_id), 303)


# --- watch, and take back ----------------------------------------------------------------------------------


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
    return _told(list_id, import_id, service.cancel)


@bp.post("/imports/<uuid:import_id>/undo")
def undo(list_id: UUID, import_id: UUID) -> ResponseReturnValue:
    """Take it back, or go on taking it back."""
    return _told(list_id, import_id, service.undo)


@bp.post("/imports/<uuid:import_id>/undo/stop")
def stop_undo(list_id: UUID, import_id: UUID) -> ResponseReturnValue:
    """Take it back no further."""
    return _told(list_id, import_id, service.stop_undo)


@bp.get("/imports/<uuid:import_id>/rejects.csv")
def rejects(list_id: UUID, import_id: UUID) -> Response:
    """The rows that were left out, as a file."""
    return as_download(service.get(g.actor.tenant_id, list_id, import_id))


def _file_id(form: SourceForm) -> UUID:
    """The confirmed file. Raises Invalid, Conflict and what else `files` refuses with."""
    tenant_id = g.actor.tenant_id
    if form.file_id.data:
        return files.confirm(tenant_id, form.checked(form.file_id.data).file_id).id
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        kind = _kind(sent.filename)
        return files.receive(
            tenant_id,
            kind=kind,
            filename=sent.filename[-255:],
            content_type=files.ALLOWED[kind][0],
            body=sent.stream,
        ).id
    if text := form.pasted_text():
        body = io.BytesIO(pasting.as_csv(text))
        name = _("pasted.csv")
        return files.receive(tenant_id, kind="csv", filename=name, content_type="text/csv", body=body).id
    raise Invalid(Detail("file", "needed", _("Choose a file, or paste numbers.")))


def _kind(filename: str) -> str:
    """What a file calls itself; what it is, its content tells."""
    ending = filename.rpartition(".")[2].lower()
    return ending if ending in reading.KINDS else "csv"


def _differ(wishes: Wishes, found: ImportCheck) -> bool:
    """Whether something is wished that was not looked at."""
    same = wishes.as_columns() | {"mapping": None} == Wishes.of(found).as_columns() | {"mapping": None}
    return not same or (bool(wishes.mapping) and wishes.mapping != _looked_at(found))


def _looked_at(found: ImportCheck) -> dict[str, Any] | None:
    """The mapping that was looked at, guesses and all, as the page's selects would tell it."""
    places, header = found.head.get("columns"), found.head["survey"]["header"]
    if places is None:
        return None
    told = {name: None if i is None else header[i] for name, i in places.items() if name != "attributes"}
    return {**told, "attributes": {key: header[i] for key, i in places["attributes"].items()}}


def _show(form: Form, error: DomainError, otherwise: str) -> None:
    """What is wrong with the file stands at the file, what is wrong with a column above all of them."""
    if isinstance(form, SourceForm):
        form.file_id.data = ""
    if isinstance(error, Invalid):
        taken = {f.field: otherwise for f in error.details if f.field in ("file_id", "mapping", "body")}
        show_faults(form, error, fields=taken)
    else:
        form[otherwise].errors = [str(error.message)]


def _source_page(list_id: UUID, form: SourceForm) -> str:
    found = contacts.get_list(g.actor.tenant_id, list_id)
    return render_template(
        "imports/new.html", list=found, form=form, limit=files.LIMITS["csv"], xlsx="xlsx" in reading.KINDS
    )


def _check_page(found: ImportCheck, form: WishesForm) -> str:
    return render_template(
        "imports/check.html",
        list=contacts.get_list(g.actor.tenant_id, found.contact_list_id),
        file=files.get(g.actor.tenant_id, found.file_id),
        form=form,
        seen=showing.show(found),
        choices=showing.choices(found.purpose),
    )


def _told(list_id: UUID, import_id: UUID, verb: Any) -> ResponseReturnValue:
    service.get(g.actor.tenant_id, list_id, import_id)
    try:
        verb(g.actor.tenant_id, import_id)
    except Conflict as error:
        flash(str(error.message), "info")
    return redirect(url_for(".show", list_id=list_id, import_id=import_id), 303)


def _progress(template: str, list_id: UUID, import_id: UUID) -> str:
    job = service.get(g.actor.tenant_id, list_id, import_id)
    return render_template(
        template,
        list=contacts.get_list(g.actor.tenant_id, list_id),
        file=files.get(g.actor.tenant_id, job.file_id),
        seen=look(job, service.undo_of(job)),
    )

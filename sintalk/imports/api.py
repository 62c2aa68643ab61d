from __future__ import annotations

from typing import Any

from flask import Response, g

from sintalk.contacts.schemas import ListPath
from sintalk.imports import preview, service
from sintalk.imports.downloads import as_download
from sintalk.imports.models import ContactImport
from sintalk.imports.schemas import (
    CancelPath,
    ImportIn,
    ImportOut,
    ImportPage,
    ImportPath,
    PreviewOut,
    PreviewPath,
)
from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery

api = blueprint("contact_import", tag="contact-import", description="CSV files into contact lists")

CSV: dict[str, Any] = {
    "content": {
        "text/csv": {
            "schema": {"type": "string"},
            "example": "linha;motivo;Nome;Celular\r\n3;invalid_phone;Ana;123\r\n",
        }
    }
}
ONE = "/contact-lists/<uuid:list_id>/import/<uuid:import_id>"


@api.post(
    "/contact-lists/<uuid:list_id>/import", summary="Start a contact import", responses={"202": ImportOut}
)
@refuses(409, "file_not_confirmed", "Upload this file and confirm it first.")
@refuses(409, "import_in_progress", "This file is being imported into this list already.")
@refuses(409, "upload_missing", "The store no longer has this file. Upload it again.")
@refuses(503, "store_unavailable", "The file store does not answer. Try again in a moment.")
def start_contact_import(path: ListPath, body: ImportIn) -> tuple[ImportOut, int]:
    """Import a confirmed CSV file into a list; it runs in the background.

    409 `file_not_confirmed`, or `import_in_progress` where the same file is on its way into this list.
    """
    job = service.start(g.actor.tenant_id, path.list_id, file_id=body.file_id, wishes=body.wishes)
    return ImportOut.of(job), 202


@api.post(
    "/contact-lists/<uuid:list_id>/import/preview",
    summary="Preview a contact import",
    responses={"202": PreviewOut},
)
@refuses(409, "file_not_confirmed", "Upload this file and confirm it first.")
@refuses(409, "upload_missing", "The store no longer has this file. Upload it again.")
@refuses(503, "store_unavailable", "The file store does not answer. Try again in a moment.")
def preview_contact_import(path: ListPath, body: ImportIn) -> tuple[PreviewOut, int]:
    """What an import with this body would do: of the first rows at once, of all of them in the background.

    Nothing is written to the list. An extension of the index.
    """
    check = preview.begin(g.actor.tenant_id, path.list_id, file_id=body.file_id, wishes=body.wishes)
    return PreviewOut.of(check), 202


@api.get(
    "/contact-lists/<uuid:list_id>/import/preview/<uuid:check_id>",
    summary="Get a preview",
    responses={"200": PreviewOut},
)
def get_contact_import_preview(path: PreviewPath) -> PreviewOut:
    """How far a preview is, and what it found. It is kept for a week. An extension of the index."""
    return PreviewOut.of(preview.get(g.actor.tenant_id, path.list_id, path.check_id))


@api.get(ONE, summary="Get a contact import", responses={"200": ImportOut})
def get_contact_import(path: ImportPath) -> ImportOut:
    """Status and progress of an import."""
    job = service.get(g.actor.tenant_id, path.list_id, path.import_id)
    return ImportOut.of(job, service.undo_of(job))


@api.get(
    "/contact-lists/<uuid:list_id>/imports", summary="List contact imports", responses={"200": ImportPage}
)
def list_contact_imports(path: ListPath, query: PageQuery) -> ImportPage:
    """The imports into a list, newest first."""
    rows = service.imports_of(g.actor.tenant_id, path.list_id)
    window = paginate(rows, query, by=ContactImport.id)
    undone = service.undos_of(window.data)
    return ImportPage(**window.showing([ImportOut.of(job, undone.get(job.id)) for job in window.data]))


@api.get(f"{ONE}/rejects", summary="Download the rejected rows", responses={"200": CSV})
def download_import_rejects(path: ImportPath) -> Response:
    """The rows that were left out, with number, reason and their original cells. An extension of the index."""
    return as_download(service.get(g.actor.tenant_id, path.list_id, path.import_id))


@api.post("/imports/<uuid:import_id>/cancel", summary="Cancel an import", responses={"200": ImportOut})
@refuses(409, "import_finished", "This import has ended already.")
def cancel_import(path: CancelPath) -> ImportOut:
    """Stop an import where it stands; what is in the list stays. An extension of the index."""
    return ImportOut.of(service.cancel(g.actor.tenant_id, path.import_id))


@api.post("/imports/<uuid:import_id>/undo", summary="Take an import back", responses={"202": ImportOut})
@refuses(409, "import_not_undoable", "There is nothing in this import that can be taken back.")
@refuses(409, "import_unfinished", "This import has not ended yet. Stop it first.")
@refuses(409, "undo_expired", "An import can be taken back for 30 days.")
def undo_import(path: CancelPath) -> tuple[ImportOut, int]:
    """Remove whom this import created and restore whom it changed, in the background; `undo` tells how far.

    Whoever was changed or removed since is left alone and counted in `kept_count`; opt-outs stay. Repeating
    it is harmless. An extension of the index.
    """
    job = service.undo(g.actor.tenant_id, path.import_id)
    return ImportOut.of(job, service.undo_of(job)), 202

"""The page's way to an upload: an address to which the browser sends the file, past us."""

from __future__ import annotations

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from sintalk.errors import DomainError
from sintalk.files import service
from sintalk.files.schemas import UploadIn
from sintalk.web.validation import check

bp = Blueprint("files", __name__)


@bp.post("/files/uploads")
def begin() -> ResponseReturnValue:
    """JSON for upload.js: where to PUT the file, and with which headers."""
    wanted = {
        "kind": request.form.get("kind", ""),
        "filename": request.form.get("filename", ""),
        "content_type": request.form.get("content_type", ""),
        "size": request.form.get("size", type=int),
    }
    try:
        upload = service.begin(g.actor.tenant_id, **check(UploadIn, wanted).model_dump())
    except DomainError as error:
        return {"error": str(error.details[0].message if error.details else error.message)}, error.status
    return {"file_id": str(upload.file.id), "url": upload.url, "headers": upload.headers}

"""The page's way to an upload: an address to which the browser sends the file, past us; and audio to listen to."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.auth.guards import public
from sintalk.db import release, session
from sintalk.errors import Detail, DomainError, Invalid, NotFound
from sintalk.files import media, recordings, service, sniff
from sintalk.files.models import File
from sintalk.files.schemas import ConfirmIn, UploadIn
from sintalk.web.validation import check

bp = Blueprint("files", __name__)


@bp.post("/files/uploads")
def begin() -> ResponseReturnValue:
    """JSON for upload.js: where to PUT the file, and with which headers."""
    kind, declared = request.form.get("kind", ""), request.form.get("content_type", "")
    wanted = {
        "kind": kind,
        "filename": request.form.get("filename", ""),
        "content_type": declared if kind == "media" else sniff.AUDIO_ALIASES.get(declared, declared),
        "size": request.form.get("size", type=int),
    }
    try:
        upload = service.begin(g.actor.tenant_id, **check(UploadIn, wanted).model_dump())
    except DomainError as error:
        return _said(error)
    return {"file_id": str(upload.file.id), "url": upload.url, "headers": upload.headers}


@bp.post("/files/<uuid:file_id>/audio")
def confirm_audio(file_id: UUID) -> ResponseReturnValue:
    """JSON for the voice editor: the audio that the browser has put into the store, listened to and confirmed."""
    service.get(g.actor.tenant_id, file_id)
    try:
        return _audio(service.confirm(g.actor.tenant_id, file_id))
    except DomainError as error:
        return _said(error)


@bp.post("/files/audio")
def take_audio() -> ResponseReturnValue:
    """JSON for the voice editor: a recording, or a file that the store could not be given directly."""
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise Invalid(Detail("file", "required", _("Choose a file.")))
        recorded = "recorded" in request.form
        return _audio(
            recordings.take(
                g.actor.tenant_id, filename=sent.filename[-255:], body=sent.stream, recorded=recorded
            )
        )
    except DomainError as error:
        return _said(error)


@bp.get("/files/<uuid:file_id>/audio")
def audio(file_id: UUID) -> ResponseReturnValue:
    """The sound of a confirmed audio file, to be listened to; players ask for parts of it."""
    file = service.get(g.actor.tenant_id, file_id)
    if file.kind != "audio" or file.status != "uploaded":
        raise NotFound
    sound = BytesIO(b"".join(service.open_now(file)))
    return send_file(sound, mimetype=file.content_type, conditional=True, etag=str(file.id), max_age=0)


def _audio(file: File) -> dict[str, Any]:
    return {
        "file_id": str(file.id),
        "filename": file.filename,
        "duration_ms": file.duration_ms,
        "url": url_for("files.audio", file_id=file.id),
    }


def _said(error: DomainError) -> ResponseReturnValue:
    return {"error": str(error.details[0].message if error.details else error.message)}, error.status


@bp.post("/files/media")
def confirm_media() -> ResponseReturnValue:
    """JSON for an editor: the public address of a medium that the browser has put into the store."""
    try:
        file = service.confirm(
            g.actor.tenant_id, check(ConfirmIn, {"file_id": request.form.get("file_id")}).file_id
        )
    except DomainError as error:
        return {"error": str(error.details[0].message if error.details else error.message)}, error.status
    if file.kind != "media":
        return {"error": "wrong_kind"}, 422
    return {"url": media.address(file)}


@bp.get("/media/<token>/<name>")
@public
def medium(token: str, name: str) -> ResponseReturnValue:
    """An uploaded medium, for carriers and phones. Whoever has the address may fetch it; nothing else runs in it."""
    file = media.of_token(token)
    session().expunge(file)
    release()  # no connection waits for the store
    assert file.size is not None
    answer = Response(service.open_stream(file), mimetype=file.content_type)
    answer.set_etag((file.etag or "").strip('"'))
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.content_length = file.size
    return answer.make_conditional(request, accept_ranges=True, complete_length=file.size)

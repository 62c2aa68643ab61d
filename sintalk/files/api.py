from __future__ import annotations

from flask import g

from sintalk.counts import kept
from sintalk.files import media, service
from sintalk.files.models import File
from sintalk.files.schemas import ConfirmIn, FileOut, FilePage, UploadIn, UploadOut
from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery

api = blueprint("files", tag="files", description="Uploads, straight to the S3 store")


@api.post("/files/upload-url", summary="Get a presigned upload URL", responses={"201": UploadOut})
@refuses(413, "payload_too_large", "The file is larger than allowed.")
def create_file_upload_url(body: UploadIn) -> tuple[UploadOut, int]:
    """A presigned URL that takes one PUT of this file, for 15 minutes."""
    upload = service.begin(g.actor.tenant_id, **body.model_dump())
    return UploadOut(
        file_id=upload.file.id,
        upload_url=upload.url,
        headers=upload.headers,
        expires_at=upload.file.upload_expires_at,
    ), 201


@api.post("/files/confirm-upload", summary="Confirm a file upload", responses={"200": FileOut})
@refuses(409, "upload_missing", "The store has not received this file (yet).")
@refuses(413, "payload_too_large", "The file is larger than allowed.")
@refuses(422, "content_mismatch", "The content of this file is not what its type says.")
@refuses(422, "audio_too_short", "This audio is shorter than a second.")
@refuses(422, "audio_too_long", "This audio is longer than 180 seconds.")
@refuses(503, "store_unavailable", "The file store does not answer. Try again in a moment.")
@refuses(503, "audio_busy", "Many audio files are being read just now. Try again in a moment.")
def confirm_file_upload(body: ConfirmIn) -> FileOut:
    """Mark an upload as done, before the file is used; its content is looked at. Repeating it is harmless.

    Audio is decoded whole: it has 1 to 180 seconds, and `duration_ms` is what was heard, whatever its header says.
    """
    return _shown(service.confirm(g.actor.tenant_id, body.file_id))


@api.get("/files", summary="List files", responses={"200": FilePage})
def list_files(query: PageQuery) -> FilePage:
    """The tenant's files, newest first."""
    rows, total = service.files_of(g.actor.tenant_id), kept(g.actor.tenant_id, "files")
    page = paginate(rows, query, by=File.id, total=total)
    shown = [_shown(file) for file in page.data]
    return FilePage.model_validate(page).model_copy(update={"data": shown})


def _shown(file: File) -> FileOut:
    public = file.kind == "media" and file.status == "uploaded"
    return FileOut.model_validate(file).model_copy(update={"url": media.address(file) if public else None})

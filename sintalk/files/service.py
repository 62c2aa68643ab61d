"""Uploads: an address to send the bytes to, a look at what arrived, and reading it as a stream."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select, update

from sintalk.db import atomic, now, release, session
from sintalk.errors import Conflict, Detail, DomainError, Invalid, NotFound, unknown_reference
from sintalk.files import audio, sniff
from sintalk.files.models import File
from sintalk.files.storage import FileGone, StoreAway, Stored, storage
from sintalk.tenancy import owned

log = logging.getLogger(__name__)

MIB = 1024 * 1024
LIMITS = {"csv": 200 * MIB, "xlsx": 200 * MIB, "audio": 5 * MIB, "media": 95 * MIB}
ALLOWED = {
    "csv": ("text/csv",),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
    "audio": ("audio/mpeg", "audio/mp4", "audio/wav", "audio/ogg"),
    # Google's types for cards and files that every phone shows; 100 MB a file (AWS), 95 MiB is less
    "media": ("image/jpeg", "image/png", "image/gif", "video/mp4", "video/webm", "application/pdf"),
}
_AUDIO_KINDS = {content_type: kind for kind, content_type in sniff.AUDIO_TYPES.items()}
URL_LIVES = timedelta(minutes=15)
PENDING_LIVES = timedelta(hours=24)


@dataclass(frozen=True)
class Upload:
    """Where to PUT the bytes, with which headers, until when."""

    file: File
    url: str
    headers: dict[str, str]


def begin(tenant_id: UUID, *, kind: str, filename: str, content_type: str, size: int | None = None) -> Upload:
    """A presigned URL for one file. Raises 422 (a content type the kind does not take), 413."""
    content_type = content_type.partition(";")[0].strip().lower()
    if content_type not in ALLOWED[kind]:
        sentence = _l("Allowed here: %(types)s.", types=", ".join(ALLOWED[kind]))
        raise Invalid(Detail("content_type", "not_allowed", sentence))
    if size is not None and size > LIMITS[kind]:
        raise too_large(kind)
    with atomic() as current:
        file = File(
            tenant_id=tenant_id,
            kind=kind,
            filename=filename,
            content_type=content_type,
            size=size,
            status="pending",
            upload_expires_at=now() + URL_LIVES,
        )
        current.add(file)
    url = storage().presign_put(
        file.key, content_type=content_type, size=size, expires_in=int(URL_LIVES.total_seconds())
    )
    return Upload(file, url, {"Content-Type": content_type})


def confirm(tenant_id: UUID, file_id: UUID) -> File:
    """The client says that the bytes are there: look at them, and pin them. Repeating it is harmless.

    Raises 422 for an unknown id (as part of a body), `content_mismatch`, `audio_too_short` and
    `audio_too_long`, 409 `upload_missing`, 413, 503 `store_unavailable` and `audio_busy`.
    """
    file = of_body(tenant_id, file_id)
    if file.status == "uploaded":
        return file
    session().expunge(file)  # what was read stays: a row of the session is read again after the rollback
    release()  # no connection waits for the store
    try:
        found = storage().head(file.key)
        refusal = _refusal(file, found)
        sound = _listen(file, found) if refusal is None and file.kind == "audio" else None
    except FileGone:
        raise Conflict("upload_missing", _l("The store has not received this file (yet).")) from None
    except StoreAway as error:
        raise _away() from error
    refusal = refusal or _length_refusal(sound)
    if refusal is not None:
        _reject(file, refusal.code)
        raise refusal
    with atomic() as current:
        current.execute(
            update(File)
            .where(File.id == file.id, File.status == "pending")
            .values(
                status="uploaded", etag=found.etag, size=found.size, duration_ms=sound, confirmed_at=now()
            )
            .execution_options(synchronize_session=False)
        )
        return owned(File, tenant_id, file_id)


def receive(tenant_id: UUID, *, kind: str, filename: str, content_type: str, body: IO[bytes]) -> File:
    """A file that came to us instead of the store (a form without script): stored and confirmed.

    Raises as `begin` and `confirm` do.
    """
    upload = begin(tenant_id, kind=kind, filename=filename, content_type=content_type)
    try:
        storage().put(upload.file.key, body, content_type=upload.file.content_type)
    except StoreAway as error:
        raise _away() from error
    return confirm(tenant_id, upload.file.id)


def files_of(tenant_id: UUID) -> Select[File]:
    """The tenant's files, to be paged."""
    return select(File).where(File.tenant_id == tenant_id)


def get(tenant_id: UUID, file_id: UUID) -> File:
    """One file. Raises NotFound."""
    return owned(File, tenant_id, file_id)


def of_body(tenant_id: UUID, file_id: UUID) -> File:
    """The file that a body names. Raises 422 with the detail `not_found` at `file_id`."""
    try:
        return get(tenant_id, file_id)
    except NotFound:
        raise unknown_reference("file_id") from None


def confirmed(tenant_id: UUID, file_id: UUID, *, kinds: Sequence[str]) -> File:
    """The confirmed file of one of these kinds that a body names. Raises 422, 409 `file_not_confirmed`."""
    file = of_body(tenant_id, file_id)
    if file.kind not in kinds:
        sentence = _l("This needs a file of kind %(kind)s.", kind=", ".join(kinds))
        raise Invalid(Detail("file_id", "wrong_kind", sentence))
    if file.status != "uploaded":
        raise Conflict("file_not_confirmed", _l("Upload this file and confirm it first."))
    return file


def open_stream(file: File, offset: int = 0) -> Iterator[bytes]:
    """The confirmed bytes from `offset` on. Raises storage.FileGone, storage.StoreAway while reading."""
    assert file.etag, "only confirmed files are read"
    return storage().stream(file.key, etag=file.etag, offset=offset)


def open_now(file: File) -> Iterator[bytes]:
    """The confirmed bytes for somebody who waits: raises 409 `upload_missing`, 503 `store_unavailable`."""
    return _or_refused(open_stream(file))


def expire(limit: int = 100) -> int:
    """Give up uploads that never came: how many. For the sweeper."""
    old = select(File).where(File.status == "pending", File.created_at < now() - PENDING_LIVES)
    files = session().scalars(old.order_by(File.created_at).limit(limit)).all()
    release()
    for file in files:
        _reject(file, "upload_expired")
    return len(files)


def _or_refused(chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except FileGone:
        raise Conflict("upload_missing", _l("The store no longer has this file. Upload it again.")) from None
    except StoreAway as error:
        raise _away() from error


def _refusal(file: File, found: Stored) -> DomainError | None:
    """What speaks against these bytes."""
    if found.size > LIMITS[file.kind]:
        return too_large(file.kind)
    if found.content_type.partition(";")[0].strip().lower() != file.content_type:
        return _mismatch(_l("The store has this file under another content type."))
    head = storage().beginning(file.key, sniff.HEAD, etag=found.etag) if found.size else b""
    seen = sniff.kind(head)
    if seen == "empty":
        return _mismatch(_l("This file is empty."))
    wanted = {"csv": "text", "xlsx": "zip"}.get(file.kind)
    types = sniff.MEDIA_TYPES if file.kind == "media" else sniff.AUDIO_TYPES
    fits = seen == wanted if wanted else types.get(seen) == file.content_type
    return None if fits else _mismatch(_what_it_is(seen, file.kind))


def _what_it_is(seen: str, kind: str) -> Any:
    """What stands there instead, where it helps."""
    if seen == "xls" and kind in ("csv", "xlsx"):
        return _l(
            "This is an old Excel file (.xls), or one with a password. "
            "Save it as an Excel workbook (.xlsx) without a password."
        )
    if seen == "zip" and kind == "csv":
        return _l("This is no CSV, but perhaps an Excel workbook (.xlsx): send it as one.")
    if seen == "text" and kind == "xlsx":
        return _l("This is no Excel workbook, but perhaps a CSV: send it as one.")
    return _l("The content of this file is not what its type says.")


def _listen(file: File, found: Stored) -> int:
    """How long an audio file sounds, in milliseconds; 0 for one that cannot be decoded. Raises 503 `audio_busy`."""
    with tempfile.NamedTemporaryFile(prefix="sintalk-audio-") as copy:
        for block in storage().stream(file.key, etag=found.etag):
            copy.write(block)
        copy.flush()
        try:
            return audio.measure(Path(copy.name), _AUDIO_KINDS[file.content_type])
        except audio.Unreadable:
            return 0
        except audio.Busy:
            raise busy() from None


def _length_refusal(sound: int | None) -> DomainError | None:
    """What speaks against audio of this length; None is no audio at all."""
    if sound is None or audio.SHORTEST_MS <= sound <= audio.LONGEST_MS + audio.PADDING_MS:
        return None
    if sound == 0:
        return not_audio()
    if sound < audio.SHORTEST_MS:
        return DomainError(422, "audio_too_short", _l("This audio is shorter than a second."))
    limit = audio.LONGEST_MS // 1000
    return DomainError(422, "audio_too_long", _l("This audio is longer than %(limit)s seconds.", limit=limit))


def _reject(file: File, reason: str) -> None:
    with atomic() as current:
        current.execute(
            update(File)
            .where(File.id == file.id, File.status == "pending")
            .values(status="rejected", reason=reason)
            .execution_options(synchronize_session=False)
        )
    try:
        storage().delete(file.key)
    except (StoreAway, FileGone) as error:
        log.warning("a rejected file stays in the store: %s: %s", file.key, error)


def _mismatch(message: Any) -> DomainError:
    return DomainError(422, "content_mismatch", message)


def too_large(kind: str) -> DomainError:
    """Larger than a file of this kind may be."""
    sentence = _l("This file is larger than %(limit)s MiB.", limit=LIMITS[kind] // MIB)
    return DomainError(413, "payload_too_large", sentence)


def not_audio() -> DomainError:
    """Nothing that can be heard."""
    return _mismatch(_l("There is no sound in this file that can be read."))


def busy() -> DomainError:
    """Too much audio is being read just now."""
    sentence = _l("Many audio files are being read just now. Try again in a moment.")
    return DomainError(503, "audio_busy", sentence, headers={"Retry-After": "5"})


def _away() -> DomainError:
    sentence = _l("The file store does not answer. Try again in a moment.")
    return DomainError(503, "store_unavailable", sentence, headers={"Retry-After": "5"})

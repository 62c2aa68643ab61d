"""Uploaded media have a public address, since carriers fetch what a message shows.

The address is not listed anywhere and cannot be guessed: it holds the file's id and 128 bits that only we can
make of it. It is served by ourselves: carriers need not reach the store, and the address does not run out.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import IO
from urllib.parse import quote
from uuid import UUID

from flask import current_app

from sintalk.db import session
from sintalk.errors import NotFound
from sintalk.files import service, sniff
from sintalk.files.models import File

ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "application/pdf": "pdf",
}


def take(tenant_id: UUID, *, filename: str, declared: str, body: IO[bytes]) -> File:
    """Store and confirm a medium that comes in a form, as its bytes say what it is, not as it is `declared`.

    Raises 413, 422 `content_mismatch`, and what `service.receive` raises.
    """
    seen = sniff.kind(body.read(sniff.HEAD))
    size = body.seek(0, os.SEEK_END)
    body.seek(0)
    if size > service.LIMITS["media"]:
        raise service.too_large("media")
    content_type = sniff.MEDIA_TYPES.get(seen, declared)
    return service.receive(tenant_id, kind="media", filename=filename, content_type=content_type, body=body)


def address(file: File) -> str:
    """Where everybody who has the address can fetch this medium."""
    stem = file.filename.rpartition(".")[0] or file.filename
    name = quote(f"{stem[:60]}.{ENDINGS[file.content_type]}", safe="")
    return f"{base()}{file.id.hex}{_proof(file.id)}/{name}"


def base() -> str:
    """What all these addresses begin with."""
    return f"{current_app.config['SETTINGS'].public_url}/media/"


def of_token(token: str) -> File:
    """The medium of an address. Raises NotFound."""
    try:
        file_id = UUID(hex=token[:32])
    except ValueError:
        raise NotFound from None
    if not hmac.compare_digest(token[32:].encode(), _proof(file_id).encode()):
        raise NotFound
    file = session().get(File, file_id)
    if file is None or file.kind != "media" or file.status != "uploaded":
        raise NotFound
    return file


def _proof(file_id: UUID) -> str:
    key = str(current_app.secret_key).encode()
    return hmac.new(key, b"media:" + file_id.bytes, sha256).hexdigest()[:32]

"""Pictures, films and documents that come in the RCS editor's own form, where no script sends them to the store.

A file input is called `upload:` and the path of the address that it is to become.
"""

from __future__ import annotations

from uuid import UUID

from werkzeug.datastructures import FileStorage, MultiDict

from sintalk.errors import Detail, DomainError
from sintalk.files import media
from sintalk.files import service as files
from sintalk.message_templates import rcs_typed

PREFIX = "upload:"
#: Bytes of a form that may hold files. More than one file may have, so that one that is too large is told beside
#: its field, and what was typed comes back.
FORM = 2 * files.LIMITS["media"]


def take(tenant_id: UUID, sent: MultiDict[str, FileStorage]) -> tuple[list[tuple[str, str]], list[Detail]]:
    """Keep every file: control and address of those that are kept, and what is wrong with the others."""
    kept, wrong = [], []
    for name, file in sent.items(multi=True):
        path = name.removeprefix(PREFIX)
        if not file.filename or path == name or not rcs_typed.is_medium(path):
            continue
        try:
            taken = media.take(
                tenant_id, filename=file.filename[-255:], declared=file.mimetype, body=file.stream
            )
            kept.append((path, media.address(taken)))
        except DomainError as error:
            fault = error.details[0] if error.details else error
            wrong.append(Detail(path, error.code, fault.message))
    return kept, wrong

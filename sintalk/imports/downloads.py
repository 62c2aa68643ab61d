"""Rejects as an answer that a browser saves; the same at both doors."""

from __future__ import annotations

from flask import Response, stream_with_context

from sintalk.imports import service
from sintalk.imports.models import ContactImport


def as_download(job: ContactImport) -> Response:
    """The rejects of an import as a file, streamed."""
    return Response(
        stream_with_context(service.rejects_csv(job)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="rejeitados-{job.id}.csv"'},
    )

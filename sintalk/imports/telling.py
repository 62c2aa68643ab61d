"""`import.finished` for the tenant's webhooks."""

from __future__ import annotations

from uuid import UUID

from sintalk.db import session
from sintalk.imports.models import ContactImport
from sintalk.web.schemas import rfc3339
from sintalk.webhooks import service as webhooks

KIND = "import.finished"
PLAIN = (
    "id",
    "contact_list_id",
    "file_id",
    "status",
    "total_rows",
    "processed_rows",
    "created_count",
    "updated_count",
    "skipped_count",
    "rejected_count",
    "opted_out_count",
    "error_code",
)


def finished(tenant_id: UUID, import_id: UUID) -> None:
    """This import has ended: completed, failed or canceled."""
    if not webhooks.wanted(tenant_id, KIND):
        return
    job = session().get_one(ContactImport, import_id, populate_existing=True)
    payload = {name: getattr(job, name) for name in PLAIN}
    payload["finished_at"] = job.finished_at and rfc3339(job.finished_at)
    webhooks.announce(tenant_id, KIND, import_id, payload, version=job.status)

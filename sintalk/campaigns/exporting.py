"""A campaign's people with what became of each, as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, stream_with_context
from flask_babel import gettext as _
from sqlalchemy import select

from sintalk.campaigns import service
from sintalk.db import release, session
from sintalk.messages import service as messages
from sintalk.messages.models import Notification
from sintalk.messages.states import MARKED, STATUSES
from sintalk.web import i18n, sheets, words

#: Rows of one look into the table, which goes by an index from the last one on.
PORTION = 2_000
COLUMNS = (
    Notification.id,
    Notification.phone,
    Notification.name,
    Notification.status,
    Notification.error_code,
    Notification.created_at,
    Notification.sent_at,
    Notification.delivered_at,
    Notification.read_at,
)


def download(tenant_id: UUID, campaign_id: UUID, *, status: str | None = None) -> Response:
    """The file, streamed: as many people as there are, in flat memory. The same at both doors. Raises NotFound."""
    campaign = service.get(tenant_id, campaign_id)
    dispatch = messages.dispatch_of(tenant_id, campaign_id)
    rows = _rows(dispatch.id, status) if dispatch else iter(())
    name = f"campanha-{campaign.id}{f'-{status}' if status else ''}.csv"
    return Response(
        stream_with_context(sheets.written(_header(), _cells(rows))),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _header() -> list[str]:
    return [
        _("Phone"),
        _("Name"),
        _("Status"),
        _("Reason"),
        _("Created"),
        _("Sent"),
        _("Delivered"),
        _("Read"),
    ]


def _rows(dispatch_id: UUID, status: str | None) -> Iterator[Any]:
    """All of them, oldest first; no connection is held while the reader takes their time."""
    wanted = select(*COLUMNS).where(Notification.dispatch_id == dispatch_id).order_by(Notification.id)
    if status:
        wanted = wanted.where((Notification.marked if status in MARKED else Notification.status) == status)
    last: UUID | None = None
    portion: Sequence[Any]
    while True:
        page = wanted.where(Notification.id > last) if last else wanted
        portion = session().execute(page.limit(PORTION)).all()
        release()
        yield from portion
        if len(portion) < PORTION:
            return
        last = portion[-1].id


def _cells(rows: Iterator[Any]) -> Iterator[list[str]]:
    """Statuses and reasons in words, times on the tenant's clock as a spreadsheet reads them."""
    statuses = {status: str(words.NOTIFICATION[status].label) for status in STATUSES}
    reasons = {code: str(sentence) for code, sentence in words.REASON.items()}
    zone = ZoneInfo(i18n.timezone())

    def time(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else ""

    for row in rows:
        times = map(time, (row.created_at, row.sent_at, row.delivered_at, row.read_at))
        reason = reasons.get(row.error_code, row.error_code) if row.error_code else ""
        yield [row.phone or "", row.name or "", statuses[row.status], reason, *times]

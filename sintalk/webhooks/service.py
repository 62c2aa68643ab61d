"""The verbs about webhooks. Changes are for admins: an endpoint decides where the tenant's data goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select, update

from sintalk.accounts import service as accounts
from sintalk.db import after_commit, atomic, new_id, now, session
from sintalk.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from sintalk.tenancy import Actor, owned
from sintalk.web.paging import Owner, Window, paginate
from sintalk.web.schemas import PageQuery
from sintalk.webhooks import addresses, announcing, signing
from sintalk.webhooks.announcing import News, announce, announce_many, wanted
from sintalk.webhooks.models import (
    LOW_MICROS,
    TEST,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = ["News", "announce", "announce_many", "wanted"]  # what other slices import

MOST = 10
#: How long the secret before a rotation signs as well.
BOTH_FOR = timedelta(days=1)

SENTENCES = {
    "invalid_url": _l("This is not an address that can be called."),
    "not_https": _l("The address must begin with https://."),
    "port_not_allowed": _l("Only port 443 can be called."),
    "credentials_in_url": _l("The address must not carry a user or a password; check the signature instead."),
    "not_public": _l("This address is not on the public network."),
}


def create(
    tenant_id: UUID,
    *,
    url: str,
    events: Sequence[str],
    description: str = "",
    balance_low_micros: int = LOW_MICROS,
    by: Actor,
) -> WebhookEndpoint:
    """A new endpoint with a secret of its own. Raises 403, 409 `too_many_webhooks`, 422 `url`."""
    _admin(by)
    url = _checked(url)
    with atomic() as current:
        current.execute(select(func.pg_advisory_xact_lock(tenant_id.int & (2**62 - 1))))
        if current.scalar(select(func.count()).select_from(endpoints(tenant_id).subquery())) >= MOST:  # type: ignore[operator]
            raise Conflict("too_many_webhooks", _l("There are ten endpoints already; delete one first."))
        endpoint = WebhookEndpoint(
            tenant_id=tenant_id,
            url=url,
            events=sorted(set(events)),
            description=description,
            balance_low_micros=balance_low_micros,
            secret=signing.new_secret(),
        )
        current.add(endpoint)
        current.flush()
        accounts.record(by, "webhook.created", endpoint.id, url=url)
    return endpoint


def endpoints(tenant_id: UUID) -> Select[WebhookEndpoint]:
    """The tenant's endpoints."""
    return select(WebhookEndpoint).where(
        WebhookEndpoint.tenant_id == tenant_id, WebhookEndpoint.deleted_at.is_(None)
    )


def get(tenant_id: UUID, webhook_id: UUID) -> WebhookEndpoint:
    """One endpoint. Raises NotFound."""
    return owned(WebhookEndpoint, tenant_id, webhook_id)


def change(tenant_id: UUID, webhook_id: UUID, *, by: Actor, **fields: Any) -> WebhookEndpoint:
    """Change url, events, description or the mark of a low balance. Raises 403, 404, 422 `url`."""
    if "url" in fields:
        fields["url"] = _checked(fields["url"])
    if "events" in fields:
        fields["events"] = sorted(set(fields["events"]))
    return _set(tenant_id, webhook_id, by, "webhook.changed", **fields)


def delete(tenant_id: UUID, webhook_id: UUID, *, by: Actor) -> None:
    """Nothing more is sent there, at once. Raises 403, 404."""
    _set(tenant_id, webhook_id, by, "webhook.deleted", deleted_at=now())


def rotate_secret(tenant_id: UUID, webhook_id: UUID, *, by: Actor) -> WebhookEndpoint:
    """A new secret; for a day both sign. Raises 403, 404."""
    with atomic():
        endpoint = _mine(tenant_id, webhook_id, by)
        return _set(
            tenant_id,
            webhook_id,
            by,
            "webhook.secret_rotated",
            secret=signing.new_secret(),
            previous_secret=endpoint.secret,
            previous_secret_until=now() + BOTH_FOR,
        )


def pause(tenant_id: UUID, webhook_id: UUID, *, by: Actor) -> WebhookEndpoint:
    """Events are written down and wait. Repeating it is harmless. Raises 403, 404."""
    return _set(tenant_id, webhook_id, by, "webhook.paused", paused_at=now())


def resume(tenant_id: UUID, webhook_id: UUID, *, by: Actor) -> WebhookEndpoint:
    """Deliver again, what waited first; also where failures had disabled it. Raises 403, 404."""
    with atomic():
        endpoint = _set(
            tenant_id,
            webhook_id,
            by,
            "webhook.resumed",
            paused_at=None,
            disabled_at=None,
            disabled_reason=None,
            failures=0,
            failing_since=None,
            resting_until=None,
        )
        after_commit(announcing.ring)
    return endpoint


def send_test(tenant_id: UUID, webhook_id: UUID, *, by: Actor) -> WebhookDelivery:
    """A `webhook.test` event to this endpoint, whatever it listens to. Raises 403, 404."""
    with atomic() as current:
        endpoint = _mine(tenant_id, webhook_id, by)
        subject = new_id()
        payload = {"webhook_id": str(endpoint.id), "message": "It works."}
        announce_many(tenant_id, TEST, [News(subject, "", payload)], only=[endpoint.id])
        return current.scalars(
            select(WebhookDelivery).where(
                WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.subject_id == subject
            )
        ).one()


def deliveries(tenant_id: UUID, webhook_id: UUID, *, state: str | None = None) -> Select[WebhookDelivery]:
    """What was or will be sent to an endpoint. Raises NotFound for the endpoint."""
    get(tenant_id, webhook_id)
    rows = select(WebhookDelivery).where(
        WebhookDelivery.tenant_id == tenant_id, WebhookDelivery.endpoint_id == webhook_id
    )
    return rows.where(WebhookDelivery.state == state) if state else rows


def page_of_deliveries(
    tenant_id: UUID, webhook_id: UUID, query: PageQuery, *, state: str | None = None
) -> Window:
    """A page of these, however many there are. Raises NotFound for the endpoint."""
    get(tenant_id, webhook_id)
    rows: Select[WebhookDelivery] = select(WebhookDelivery)
    whose: Owner = (WebhookDelivery.endpoint_id, webhook_id)
    if state:
        rows, whose = rows.where(WebhookDelivery.endpoint_id == webhook_id), (WebhookDelivery.state, state)
    return paginate(rows, query, by=WebhookDelivery.id, of=whose)


def delivery(tenant_id: UUID, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """One delivery to an endpoint. Raises NotFound."""
    rows = deliveries(tenant_id, webhook_id).where(WebhookDelivery.id == delivery_id)
    found = session().scalars(rows.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound
    return found


def events_of(rows: Sequence[WebhookDelivery]) -> dict[UUID, WebhookEvent]:
    """The event of each of these deliveries, by its id."""
    wanted_ids = {row.event_id for row in rows}
    return {
        event.id: event
        for event in session().scalars(select(WebhookEvent).where(WebhookEvent.id.in_(wanted_ids)))
    }


def attempts_of(tenant_id: UUID, rows: Sequence[WebhookDelivery]) -> dict[UUID, list[WebhookAttempt]]:
    """Every attempt at each of these deliveries, oldest first."""
    found: dict[UUID, list[WebhookAttempt]] = {row.id: [] for row in rows}
    for attempt in session().scalars(
        select(WebhookAttempt)
        .where(WebhookAttempt.tenant_id == tenant_id, WebhookAttempt.delivery_id.in_(found))
        .order_by(WebhookAttempt.id)
    ):
        found[attempt.delivery_id].append(attempt)
    return found


def replay(tenant_id: UUID, webhook_id: UUID, delivery_id: UUID, *, by: Actor) -> WebhookDelivery:
    """Send one again, under the same event id. A pending one is due at once. Raises 403, 404."""
    with atomic() as current:
        _mine(tenant_id, webhook_id, by)
        found = delivery(tenant_id, webhook_id, delivery_id)
        _again(WebhookDelivery.id == found.id)
        current.refresh(found)
        return found


def replay_range(
    tenant_id: UUID, webhook_id: UUID, *, start: datetime, end: datetime, failed_only: bool = False, by: Actor
) -> int:
    """Send again what was first due from `start` until before `end`; how many that are. Raises 403, 404, 422."""
    if start >= end:
        raise Invalid(Detail("to", "out_of_range", _l("The end must be after the start.")))
    with atomic():
        endpoint = _mine(tenant_id, webhook_id, by)
        states = ("failed",) if failed_only else ("failed", "delivered")
        count = _again(
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.created_at >= start,
            WebhookDelivery.created_at < end,
            WebhookDelivery.state.in_(states),
        )
        accounts.record(by, "webhook.replayed", endpoint.id, deliveries=count)
    return count


def _again(*which: Any) -> int:
    done = session().execute(
        update(WebhookDelivery)
        .where(*which)
        .values(state="pending", attempts=0, claim=None, delivered_at=None, next_attempt_at=now())
        .execution_options(synchronize_session=False)
    )
    after_commit(announcing.ring)
    return done.rowcount  # type: ignore[attr-defined]


def _set(tenant_id: UUID, webhook_id: UUID, by: Actor, action: str, **fields: Any) -> WebhookEndpoint:
    with atomic():
        endpoint = _mine(tenant_id, webhook_id, by)
        for name, value in fields.items():
            setattr(endpoint, name, value)
        endpoint.updated_at = now()
        accounts.record(by, action, endpoint.id)
    return endpoint


def _mine(tenant_id: UUID, webhook_id: UUID, by: Actor) -> WebhookEndpoint:
    _admin(by)
    return owned(WebhookEndpoint, tenant_id, webhook_id, lock=True)


def _admin(by: Actor) -> None:
    if not by.admin:
        raise Forbidden


def _checked(url: str) -> str:
    try:
        allow = current_app.config["SETTINGS"].webhooks_allow_loopback
        return addresses.read(url, allow_loopback=allow).url
    except addresses.Refused as refused:
        raise Invalid(Detail("url", refused.code, SENTENCES[refused.code])) from None

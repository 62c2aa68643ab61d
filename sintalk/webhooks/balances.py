"""`balance.low`: seen by looking, since money moves in a slice that knows nothing of webhooks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import any_, select

from sintalk.billing.models import Account
from sintalk.db import atomic
from sintalk.web.schemas import rfc3339
from sintalk.webhooks.announcing import News, announce_many
from sintalk.webhooks.models import WebhookEndpoint


def look() -> int:
    """Tell endpoints whose tenant's balance fell below their mark since the last look; how many. For the sweeper.

    A balance is told of once until it has risen again.
    """
    told = 0
    low = Account.posted - Account.held < WebhookEndpoint.balance_low_micros
    turned = (
        select(WebhookEndpoint, Account)
        .join(Account, Account.tenant_id == WebhookEndpoint.tenant_id)
        .where(
            any_(WebhookEndpoint.events) == "balance.low",
            WebhookEndpoint.deleted_at.is_(None),
            WebhookEndpoint.disabled_at.is_(None),
            WebhookEndpoint.balance_is_low != low,
        )
        .order_by(WebhookEndpoint.id)
        .limit(200)
        .with_for_update(of=WebhookEndpoint, key_share=True)
        .execution_options(populate_existing=True)
    )
    with atomic() as current:
        for endpoint, account in current.execute(turned).all():
            endpoint.balance_is_low = not endpoint.balance_is_low
            if endpoint.balance_is_low:
                news = News(endpoint.id, str(account.version), _payload(endpoint, account))
                announce_many(endpoint.tenant_id, "balance.low", [news], only=[endpoint.id])
                told += 1
    return told


def _payload(endpoint: WebhookEndpoint, account: Account) -> dict[str, Any]:
    return {
        "tenant_id": str(endpoint.tenant_id),
        "available": account.posted - account.held,
        "reserved": account.held,
        "overdraft_limit": account.overdraft_limit,
        "balance_low_micros": endpoint.balance_low_micros,
        "updated_at": rfc3339(account.updated_at),
    }

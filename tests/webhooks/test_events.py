"""What happens in the product comes out at the tenant's own server."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import func, select

from sintalk.campaigns import jobs
from sintalk.campaigns import service as campaigns
from sintalk.db import session
from sintalk.messages.models import Notification
from sintalk.webhooks import balances, delivering, service
from sintalk.webhooks.models import WebhookDelivery, WebhookEvent
from tests import factories
from tests.campaigns.test_launch import PEOPLE, a_campaign, a_list, a_template
from tests.factories import Api, money
from tests.imports.conftest import imported, list_id, upload
from tests.pipeline import drafts, pipeline, ready_dispatch, work_until
from tests.webhooks.conftest import Receiver
from tests.webhooks.test_delivering import come_due

__all__ = ["imported", "list_id", "upload"]  # fixtures of the imports

EVERYTHING = ["notification.status", "campaign.finished", "campaign.paused", "import.finished", "balance.low"]


def deliver_all() -> None:
    while session().scalar(select(WebhookDelivery.id).where(WebhookDelivery.state == "pending").limit(1)):
        come_due()
        delivering.deliver()


def heard(shop: Receiver, kind: str) -> list[dict]:
    return [body for got in shop.got if (body := json.loads(got.body))["type"] == kind]


def test_each_notification_is_heard_of_step_by_step(own_settings, tmp_path: Path, shop: Receiver):
    with pipeline(own_settings, tmp_path):
        alice = factories.owner("alice@example.com", "Padaria da Alice")
        service.create(alice.tenant_id, url=shop.url, events=EVERYTHING, by=alice.actor())
        money(alice.tenant_id, 100)
        dispatch = ready_dispatch(alice.tenant_id, drafts("1111", "0002", "0003", each=4))
        work_until(lambda: _ended(dispatch.id) == 12)
        deliver_all()
        told: dict[str, list[str]] = {}
        for body in heard(shop, "notification.status"):
            told.setdefault(body["data"]["phone"][-4:] + body["data"]["id"], []).append(
                body["data"]["status"]
            )
        assert len(told) == 12
        for who, steps in told.items():
            assert steps == {
                "1111": ["sent", "delivered"],
                "0002": ["sent", "not_delivered"],
                "0003": ["error"],
            }.get(who[:4]) or steps == ["delivered"], (who, steps)
        end = {
            str(row.id): row.status for row in session().execute(select(Notification.id, Notification.status))
        }
        assert {who[4:]: steps[-1] for who, steps in told.items()} == end


def _ended(dispatch_id) -> int:
    ends = ("delivered", "not_delivered", "error")
    return session().scalar(
        select(func.count()).where(Notification.dispatch_id == dispatch_id, Notification.status.in_(ends))
    )


def test_a_campaign_that_is_through_is_told_with_its_numbers(own_settings, tmp_path: Path, shop: Receiver):
    with pipeline(own_settings, tmp_path) as (app, _):
        alice = factories.owner("alice@example.com", "Padaria da Alice")
        service.create(alice.tenant_id, url=shop.url, events=["campaign.finished"], by=alice.actor())
        money(alice.tenant_id, 100)
        api = Api(app, factories.key(alice))
        campaign_id = a_campaign(api, a_list(api, PEOPLE), a_template(api))
        assert api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
        jobs.expand(campaign_id)
        work_until(campaigns.close_finished)
        deliver_all()
        (body,) = heard(shop, "campaign.finished")
        assert (body["data"]["id"], body["data"]["status"]) == (campaign_id, "completed")
        assert body["data"]["total"] == len(PEOPLE)
        assert {json.loads(got.body)["type"] for got in shop.got} == {"campaign.finished"}


def test_an_import_that_ended_is_told_with_its_counts(app, shop, listening, imported):
    done = imported("Nome;Celular\nAna;11999991111\nBia;123")
    deliver_all()
    (body,) = heard(shop, "import.finished")
    assert body["data"]["id"] == done["id"] and body["data"]["status"] == "completed"
    assert (body["data"]["created_count"], body["data"]["rejected_count"]) == (1, 1)


def test_a_falling_balance_is_told_once_until_it_has_risen_again(app, shop, listening, tenant, actor):
    service.change(tenant.id, listening.id, balance_low_micros=50_000_000, by=actor)
    money(tenant.id, 40)
    assert balances.look() == 1
    assert balances.look() == 0
    money(tenant.id, 20)
    assert balances.look() == 0
    service.change(tenant.id, listening.id, balance_low_micros=70_000_000, by=actor)
    assert balances.look() == 1
    deliver_all()
    assert [body["data"]["available"] for body in heard(shop, "balance.low")] == [40_000_000, 60_000_000]


def test_who_listens_to_nothing_pays_nothing(own_settings, tmp_path: Path):
    with pipeline(own_settings, tmp_path):
        alice = factories.owner("alice@example.com", "Padaria da Alice")
        money(alice.tenant_id, 100)
        dispatch = ready_dispatch(alice.tenant_id, drafts("1111", each=4))
        work_until(lambda: _ended(dispatch.id) == 4)
        assert session().scalar(select(func.count()).select_from(WebhookEvent)) == 0

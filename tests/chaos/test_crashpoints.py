"""Every named crash point, in every flow that comes by there: the process is gone, the product goes on by itself.

The oracle is the carrier's own log: nobody lost, nobody written to twice, every invariant holds.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from sintalk import checks, crashpoints
from sintalk.campaigns import jobs as campaigns
from sintalk.campaigns import service
from sintalk.db import atomic, now, release
from sintalk.messages import asking, reaper
from sintalk.messages import jobs as messages
from sintalk.messages.models import Chunk, Notification
from sintalk.webhooks import jobs as webhooks
from tests import factories
from tests.chaos.forking import dies, restart, stack, work
from tests.factories import BRL, Api, money
from tests.pipeline import PRICE
from tests.webhooks.conftest import receiver

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
SOURCE = Path(crashpoints.__file__).parent
PEOPLE = 3
#: Each test has numbers of its own in the one log of the carrier.
PREFIXES = count(1)


class Shop:
    """A company with money, the carrier's log, and a gate that can hold callbacks back."""

    def __init__(self, app: Any, simulator: Any) -> None:
        self.app, self.simulator = app, simulator
        self.owner = factories.owner(f"{uuid4().hex}@example.com", "Padaria")
        self.tenant_id = self.owner.tenant_id
        money(self.tenant_id, 100)
        self.api = Api(app, factories.key(self.owner))
        self.prefix = next(PREFIXES) * 10 + 5  # no ending that the carrier has a fate for

    def numbers(self, count: int = PEOPLE) -> list[str]:
        """Numbers that nobody else in this file has; the carrier delivers to all of them."""
        return [f"+55119{self.prefix:05d}{number:02d}7" for number in range(count)]

    def draft(self, **wishes: Any) -> str:
        list_id = self.made("/contact-lists", {"name": "Clientes"})
        for phone in self.numbers():
            self.made(f"/contact-lists/{list_id}/contacts", {"name": "Ana", "phone": phone})
        body = {"name": "Aviso", "channel": "sms", "sms": {"text": "Oi {{nome|cliente}}"}}
        self.template_id = self.made("/templates", body)
        body = {"channel": "sms", "template_id": self.template_id, "contact_list_id": list_id}
        return self.made("/campaigns", {"name": "Natal", **body, **wishes})

    def made(self, path: str, body: Any, status: int = 201) -> str:
        answer = self.api.post(path, body)
        assert answer.status_code == status, answer.get_json()
        return str(answer.get_json()["id"])

    def stats(self, campaign_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"/campaigns/{campaign_id}/stats").get_json())

    def taken(self) -> list[str]:
        """Whom the carrier took a message to, as often as it did."""
        mine = f"+55119{self.prefix:05d}"
        return sorted(line["to"] for line in self.simulator.accepted() if line["to"].startswith(mine))

    def balance(self) -> tuple[int, int]:
        told = self.api.get("/billing/balance").get_json()
        return told["available"], told["reserved"]


@pytest.fixture(scope="module")
def running(settings, admin_url, tmp_path_factory):
    with stack(settings, admin_url, tmp_path_factory.mktemp("crash"), "t_crashpoints") as parts:
        yield parts


@pytest.fixture
def shop(running):
    return Shop(*running)


def to_the_end(shop: Shop, done: Any, within_s: float = 40.0) -> None:
    give_up = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < give_up, "it did not come to its end"
        restart(shop.app)
        time.sleep(0.05)


def ended(shop: Shop, campaign_id: str) -> bool:
    stats = shop.stats(campaign_id)
    return stats["status"] == "completed" and stats["delivered"] == PEOPLE and bool(stats["settled_at"])


def all_is_right(shop: Shop, *, messages: int = PEOPLE) -> None:
    """Lost 0, doubled 0, paid once, nothing held, every invariant."""
    assert shop.taken() == shop.numbers(messages)
    assert shop.balance() == (100 * BRL - messages * PRICE, 0)
    release()
    assert checks.run() == []


def test_every_point_in_the_code_is_named_and_every_name_is_in_the_code():
    used = [
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(r'crashpoint\("(\w+)"\)', path.read_text("utf-8"))
    ]
    assert sorted(set(used)) == sorted(crashpoints.POINTS)  # there are two ways to commit


def test_a_point_that_does_not_exist_is_refused():
    for spec in ("nowhere", "intent_committed:often"):
        with pytest.raises(crashpoints.UnknownPoint):
            crashpoints.arm(spec)
    crashpoints.arm(None)


@pytest.mark.parametrize("spec", ["before_commit", "after_commit"])
def test_dying_in_a_launch(shop, spec):
    campaign_id = shop.draft()
    assert dies(spec, lambda: shop.api.post(f"/campaigns/{campaign_id}/launch"))
    went = shop.stats(campaign_id)["status"] != "draft"
    assert went == (spec == "after_commit")
    if not went:
        assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    to_the_end(shop, lambda: ended(shop, campaign_id))
    all_is_right(shop)


@pytest.mark.parametrize(
    "spec",
    [
        *("page_written", "expanded", "money_held", "chunk_claimed", "intent_committed", "answer_received"),
        *("results_written", "receipts_applied", "chunk_settled", "campaign_ended"),
        *(f"{point}:{nth}" for point in ("before_commit", "after_commit") for nth in (1, 2, 3, 4, 6, 8)),
    ],
)
def test_dying_between_the_launch_and_the_last_cent(shop, spec):
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    release()

    def everything() -> None:
        give_up = time.monotonic() + 30
        while not ended(shop, campaign_id) and time.monotonic() < give_up:
            campaigns.expand(campaign_id)
            messages.drain()
            messages.apply_receipts()
            campaigns.close_finished()
            time.sleep(0.02)

    assert dies(spec, everything), f"nobody came by {spec}"
    to_the_end(shop, lambda: ended(shop, campaign_id))
    all_is_right(shop)


def test_dying_over_and_over_on_the_same_campaign(shop):
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    for spec in ("page_written", "money_held", "chunk_claimed"):
        assert dies(spec, lambda: (restart(shop.app), restart(shop.app)))
    for spec in ("intent_committed", "answer_received", "results_written") * 2:
        dies(spec, lambda: (restart(shop.app), restart(shop.app)))
    to_the_end(shop, lambda: ended(shop, campaign_id))
    all_is_right(shop)


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
@pytest.mark.parametrize("spec", ["before_commit", "after_commit"])
def test_dying_in_a_change_of_mind_leaves_all_of_it_or_nothing(shop, verb, spec):
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    campaigns.expand(campaign_id)
    before = "running"
    if verb == "resume":
        assert shop.api.post(f"/campaigns/{campaign_id}/pause").status_code == 200
        before = "paused"
    assert dies(spec, lambda: shop.api.post(f"/campaigns/{campaign_id}/{verb}"))
    after = {"pause": "paused", "resume": "running", "cancel": "canceled"}[verb]
    assert shop.stats(campaign_id)["status"] == (after if spec == "after_commit" else before)
    if verb == "cancel":
        assert shop.api.post(f"/campaigns/{campaign_id}/cancel").status_code == 202
        to_the_end(shop, lambda: shop.balance() == (100 * BRL, 0))
        all_is_right(shop, messages=0)
        return
    if shop.stats(campaign_id)["status"] == "paused":
        restart(shop.app)
        assert shop.taken() == []
        assert shop.api.post(f"/campaigns/{campaign_id}/resume").status_code == 202
    to_the_end(shop, lambda: ended(shop, campaign_id))
    all_is_right(shop)


@pytest.mark.parametrize("spec", ["chunk_taken_back", "before_commit:1", "after_commit:1", "after_commit:2"])
def test_what_is_canceled_is_taken_back_whoever_dies_over_it(shop, spec):
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    campaigns.expand(campaign_id)
    assert shop.api.post(f"/campaigns/{campaign_id}/cancel").status_code == 202
    assert dies(spec, messages.take_back)
    to_the_end(shop, lambda: shop.stats(campaign_id)["canceled"] == PEOPLE and shop.balance()[1] == 0)
    all_is_right(shop, messages=0)


def test_a_worker_that_dies_over_a_canceled_campaign_leaves_what_it_may_have_sent_unknown(shop):
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    campaigns.expand(campaign_id)
    assert dies("answer_received", messages.drain)
    assert shop.api.post(f"/campaigns/{campaign_id}/cancel").status_code == 202
    to_the_end(shop, lambda: shop.stats(campaign_id)["delivered"] == PEOPLE and shop.balance()[1] == 0)
    all_is_right(shop)


@pytest.mark.parametrize("point", ["intent_committed", "answer_received"])
@pytest.mark.parametrize("spec", ["looked_up", "before_commit", "after_commit"])
def test_what_is_unknown_is_looked_up_whoever_dies_over_it(shop, spec, point):
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    campaigns.expand(campaign_id)
    assert dies(point, messages.drain)
    assert shop.api.post(f"/campaigns/{campaign_id}/cancel").status_code == 202
    with atomic() as current:
        current.execute(update(Chunk).values(lease_until=now()))
    reaper.reap()
    messages.take_back()
    assert shop.stats(campaign_id)["unknown"] == PEOPLE
    with atomic() as current:
        long_ago = now() - asking.NEVER_CAME
        current.execute(update(Notification).values(sending_at=long_ago))
    assert dies(spec, messages.ask)
    end, sent = ("canceled", 0) if point == "intent_committed" else ("delivered", PEOPLE)
    to_the_end(shop, lambda: shop.stats(campaign_id)[end] == PEOPLE and shop.balance()[1] == 0)
    all_is_right(shop, messages=sent)


@pytest.mark.parametrize("spec", ["schedule_kept", "after_commit"])
def test_what_is_scheduled_goes_once_however_often_the_clock_dies(shop, spec):
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    campaign_id = shop.draft(scheduled_at=soon.isoformat())
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    while datetime.now(UTC) <= soon:
        time.sleep(0.1)
    assert dies(spec, service.launch_due)
    to_the_end(shop, lambda: ended(shop, campaign_id))
    all_is_right(shop)


@pytest.mark.parametrize("spec", ["page_written", "expanded", "answer_received"])
def test_who_is_followed_up_is_written_to_once_more_and_no_oftener(shop, spec):
    parent = shop.draft()
    assert shop.api.post(f"/campaigns/{parent}/launch").status_code == 202
    to_the_end(shop, lambda: ended(shop, parent))
    body = {"name": "De novo", "channel": "sms", "template_id": shop.template_id}
    follow_up = {"parent_campaign_id": parent, "follow_up_on_status": "delivered"}
    campaign_id = shop.made("/campaigns", {**body, **follow_up})
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    assert dies(spec, lambda: (campaigns.expand(campaign_id), messages.drain()))
    to_the_end(shop, lambda: ended(shop, campaign_id))
    assert shop.taken() == sorted(shop.numbers() * 2)
    assert shop.balance() == (100 * BRL - 2 * PEOPLE * PRICE, 0)


def test_a_reaper_that_dies_leaves_the_chunk_to_the_next(shop):
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    campaigns.expand(campaign_id)
    assert dies("answer_received", messages.drain)
    assert dies("chunk_freed", lambda: restart(shop.app))
    to_the_end(shop, lambda: ended(shop, campaign_id))
    all_is_right(shop)


@pytest.mark.parametrize("spec", ["before_commit", "after_commit", "receipt_kept"])
def test_a_web_server_that_dies_with_a_callback_is_called_again(shop, spec, monkeypatch):
    campaign_id = shop.draft()
    held: list[dict[str, Any]] = []
    serve = shop.app.wsgi_app

    def gate(environ: dict[str, Any], start: Any) -> Any:
        if environ["PATH_INFO"].startswith("/callbacks/"):
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            held.append({**environ, "body": body})
            start("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        return serve(environ, start)

    with monkeypatch.context() as patched:
        patched.setattr(shop.app, "wsgi_app", gate)
        assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
        give_up = time.monotonic() + 20
        while not held:
            assert time.monotonic() < give_up
            work(shop.app)
        environ = held[0]
        again = {**environ, "wsgi.input": BytesIO(environ["body"])}
        assert dies(spec, lambda: list(serve(again, lambda *_: None)))
    to_the_end(shop, lambda: ended(shop, campaign_id))
    all_is_right(shop)


@pytest.mark.parametrize("spec", ["send_written", "before_commit", "after_commit"])
def test_a_request_without_an_answer_is_asked_again_with_its_key(shop, spec):
    shop.draft()
    recipients = [{"phone": phone} for phone in shop.numbers()]
    body = {"channel": "sms", "template_id": shop.template_id, "recipients": recipients}

    def ask() -> Any:
        return shop.api.post("/send", body, Idempotency_Key=f"order-{shop.prefix}")

    assert dies(spec, ask)
    answer = ask()
    assert answer.status_code == 202, answer.get_json()
    assert ("Idempotency-Replayed" in answer.headers) == (spec == "after_commit")

    def delivered() -> bool:
        told = shop.api.get("/notifications").get_json()["data"]
        return [row["status"] for row in told] == ["delivered"] * PEOPLE and shop.balance()[1] == 0

    to_the_end(shop, delivered)
    all_is_right(shop)


@pytest.mark.parametrize("spec", ["delivery_claimed", "delivery_called", "before_commit:2", "after_commit:2"])
def test_a_worker_that_dies_over_a_webhook_calls_again_with_the_same_event(shop, spec):
    hook = receiver()
    try:
        body = {"url": hook.url, "events": ["campaign.finished"]}
        shop.made("/webhooks", body)
        campaign_id = shop.draft()
        assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
        # Events are told by whoever closes the campaign; the worker of webhooks dies over the first of them.
        give_up = time.monotonic() + 30
        while not ended(shop, campaign_id) and time.monotonic() < give_up:
            campaigns.expand(campaign_id)
            messages.drain()
            messages.apply_receipts()
            campaigns.close_finished()
        assert dies(spec, webhooks.deliver), f"nobody came by {spec}"
        restart(shop.app)
        to_the_end(shop, lambda: hook.got)
        assert len({got.id for got in hook.got}) == 1
        assert len(hook.got) == (2 if spec in ("delivery_called", "before_commit:2") else 1)
    finally:
        hook.server.shutdown()

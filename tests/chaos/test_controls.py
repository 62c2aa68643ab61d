"""Three products that do it wrong, under the same deaths and before the same oracle: each must go red.

If one of them came through, the tests beside this one would prove nothing. What is wrong is put in here and
nowhere else; no setting of the product can bring it about.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from sintalk.campaigns import expansion
from sintalk.campaigns import jobs as campaigns
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic
from sintalk.messages import dispatcher, reaper
from sintalk.messages import jobs as messages
from tests.chaos.forking import dies, restart, stack
from tests.chaos.test_crashpoints import PEOPLE, Shop

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def forgetful(settings, admin_url, tmp_path_factory):
    """The product over a carrier that takes the same id again: there a repeated call is a second message."""
    folder, off = tmp_path_factory.mktemp("controls"), {"SINTALK_SIMULATOR_IDEMPOTENT": "0"}
    with stack(settings, admin_url, folder, "t_controls", **off) as parts:
        yield parts


@pytest.fixture
def launched(forgetful):
    shop = Shop(*forgetful)
    campaign_id = shop.draft()
    assert shop.api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    return shop, campaign_id


def until_nothing_is_left(shop: Shop, campaign_id: str) -> dict[str, Any]:
    give_up = time.monotonic() + 30
    while (stats := shop.stats(campaign_id))["status"] != "completed":
        assert time.monotonic() < give_up, stats
        restart(shop.app)
        time.sleep(0.05)
    return stats


def test_done_right_the_same_deaths_lose_nobody_and_double_nobody(launched):
    shop, campaign_id = launched
    assert dies("page_written", lambda: campaigns.expand(campaign_id))
    campaigns.expand(campaign_id)
    assert dies("answer_received", messages.drain)
    assert until_nothing_is_left(shop, campaign_id)["total"] == PEOPLE
    assert shop.taken() == shop.numbers()


def test_sending_again_on_expiry_doubles(launched, monkeypatch):
    shop, campaign_id = launched

    class AsIfItKnewIds:
        """What a reaper believes that queues again whatever the carrier is."""

        info = type("Info", (), {"idempotency": "client_id"})

    campaigns.expand(campaign_id)
    assert dies("answer_received", messages.drain)
    with monkeypatch.context() as patched:
        patched.setattr(reaper, "registry", type("Registry", (), {"get": lambda *_: AsIfItKnewIds}))
        restart(shop.app)
    until_nothing_is_left(shop, campaign_id)
    assert shop.taken() == sorted(shop.numbers() * 2), "the control went green: it proves nothing"


def test_calling_before_the_intent_doubles(launched, monkeypatch):
    """A worker that hands over first and writes down after it: a death between the two leaves no trace."""
    shop, campaign_id = launched
    campaigns.expand(campaign_id)

    def call_first(worker: dispatcher.Worker, most: int, statement: str) -> Any:
        with atomic():
            batch, left_out = intend(worker, most, statement)
            if batch:
                worker.carrier.submit(batch)
                crashpoint("answer_received")
        return batch, left_out

    intend = dispatcher.Worker._intend
    with monkeypatch.context() as patched:
        patched.setattr(dispatcher.Worker, "_intend", call_first)
        assert dies("answer_received", messages.drain)
    until_nothing_is_left(shop, campaign_id)
    assert shop.taken() == sorted(shop.numbers() * 2), "the control went green: it proves nothing"


def test_moving_the_cursor_when_people_are_fetched_loses_them(launched, monkeypatch):
    """The cursor is committed with the fetch, the page after it: a death between the two skips everybody on it."""
    shop, campaign_id = launched

    def fetch_first() -> None:
        pages: list[Any] = []
        with monkeypatch.context() as patched, ThreadPoolExecutor(1) as pool:
            patched.setattr(expansion.messages, "write", lambda *page, **more: pages.append((page, more)))
            expansion._write_next(UUID(campaign_id), expansion._Ahead(UUID(campaign_id), pool))
        for page, more in pages:
            expansion.messages.write(*page, **more)

    assert dies("after_commit", fetch_first)
    stats = until_nothing_is_left(shop, campaign_id)
    assert (stats["total"], shop.taken()) == (0, []), "the control went green: it proves nothing"

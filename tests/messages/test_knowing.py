"""What a process remembers for POST /send spares a look, and never outlives the truth by one request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from sintalk import checks
from sintalk.auth.models import ApiKey
from sintalk.billing.models import Price
from sintalk.contacts import opt_outs
from sintalk.db import atomic, db, now, session
from sintalk.messages import intake, knowing
from sintalk.messages.models import Notification
from tests import factories
from tests.factories import Api, money
from tests.messages.test_send import Shop, _until, to
from tests.pipeline import PRICE


@pytest.fixture
def shop(app, alice):
    """A member's key has sent once, so the process remembers all there is."""
    money(alice.tenant_id, 10)
    shop = Shop(Api(app, factories.key(alice)), alice.tenant_id)
    shop.send(to())
    return shop


@pytest.fixture
def looks(monkeypatch):
    """How often somebody looked."""
    looked, look = [], knowing.look
    monkeypatch.setattr(knowing, "look", lambda *asked: looked.append(asked) or look(*asked))
    return looked


def _elsewhere(**values):
    """What another process writes into every key's row."""
    with db.engine.begin() as connection:
        connection.execute(update(ApiKey).values(**values))


def test_what_was_looked_at_once_is_not_looked_at_again_until_it_changes(shop, looks):
    assert [shop.send(to())["accepted"] for _ in range(3)] == [1, 1, 1] and looks == []
    opt_outs.opt_out(shop.tenant_id, phone="+5511987650000", channel=None)
    assert shop.send(to())["accepted"] == 1 and looks == []
    shop.send(to("11 98765-0000"))
    assert len(looks) == 1


GONE = [{"revoked_at": now()}, {"expires_at": now() - timedelta(seconds=1)}]


@pytest.mark.parametrize("gone", GONE, ids=["revoked", "expired"])
def test_a_key_that_is_remembered_stops_with_the_next_request(shop, gone):
    assert shop.ask(to(), key="again").status_code == 202
    _elsewhere(**gone)
    answers = [
        shop.ask(to()),
        shop.ask(to(), key="another"),
        shop.ask(to(), key="again"),
        shop.ask(to("12")),
        shop.ask(),
        shop.ask(*[to(f"119{number:08d}") for number in range(20)]),
        shop.api.post("/send", "nonsense"),
        shop.api.post("/send", {"channel": "sms", "template_id": str(shop.tenant_id), "recipients": [to()]}),
    ]
    assert [answer.status_code for answer in answers] == [401] * 8
    told = {(answer.get_json()["error_code"], answer.headers["WWW-Authenticate"]) for answer in answers}
    assert told == {("unauthorized", 'Bearer realm="sintalk"')}
    assert all(answer.headers["X-Request-Id"] for answer in answers)
    assert len(shop.statuses()) == 2 and checks.run() == []


def test_who_opts_out_between_two_requests_gets_nothing_more(shop):
    opt_outs.opt_out(shop.tenant_id, phone="+5511987651234", channel="sms")
    sent = shop.send(to(), to("11 98765-1111"))
    assert [one["error_code"] for one in sent["data"]] == ["opted_out", None]
    opt_outs.take_back_number(shop.tenant_id, phone="+5511987651234")
    assert shop.send(to())["accepted"] == 1


def test_a_price_that_changes_between_two_requests_is_the_next_ones(shop):
    with atomic() as current:
        current.add(Price(tenant_id=shop.tenant_id, unit="sms", micros=2 * PRICE))
    assert shop.send(to())["cost_micros"] == 2 * PRICE
    with atomic() as current:
        current.execute(update(Price).values(micros=1))
    assert shop.send(to())["cost_micros"] == 1
    assert checks.run() == []


def test_what_one_company_is_remembered_for_is_not_there_for_another(app, shop, charlie):
    money(charlie.tenant_id, 10)
    stranger = Shop(Api(app, factories.key(charlie)), charlie.tenant_id)
    stranger.send(to())
    stranger.template_id = shop.template_id
    details = stranger.ask(to()).get_json()["details"]
    assert [(one["field"], one["code"]) for one in details] == [("template_id", "not_found")]
    whose = session().scalars(select(Notification.tenant_id).order_by(Notification.id)).all()
    assert whose == [shop.tenant_id, charlie.tenant_id]


def test_of_requests_that_are_written_together_only_the_one_whose_key_was_revoked_is_refused(
    app, alice, shop
):
    other = Shop.__new__(Shop)
    other.api, other.template_id = Api(app, factories.key(alice, name="other")), shop.template_id
    assert other.ask(to()).status_code == 202

    def ask(who):
        with app.app_context():
            return who.ask(to()).status_code

    with ThreadPoolExecutor(4) as pool:
        with db.engine.begin() as holding:
            holding.execute(text("SELECT FROM dispatches FOR UPDATE"))
            first = pool.submit(ask, shop)
            _until(lambda: intake._waiting)
            rest = [pool.submit(ask, who) for who in (shop, other, shop)]
            _until(lambda: sum(map(len, intake._waiting.values())) == 3)
            with atomic() as current:
                current.execute(update(ApiKey).where(ApiKey.name == "other").values(revoked_at=now()))
        assert [one.result(20) for one in (first, *rest)] == [202, 202, 401, 202]
    assert len(shop.statuses()) == 5 and checks.run() == []

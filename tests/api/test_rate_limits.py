"""How often a key may ask, also while Valkey is away."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from sintalk import create_app
from sintalk.auth.models import ApiKey
from sintalk.config import Settings
from sintalk.db import atomic, db
from sintalk.servers import start_stack
from sintalk.web import limits
from sintalk.web.limits import Counter
from tests import factories
from tests.factories import Api
from tests.live.product import eventually

SAID = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def limited(app, user, per_minute: int) -> Api:
    """The JSON door with a key that may ask so often."""
    plain = factories.key(user)
    with atomic() as session:
        key = session.query(ApiKey).filter_by(prefix=plain[: len("stk_live_") + 6]).one()
        key.rate_limit_per_minute = per_minute
    return Api(app, plain)


def said(answer) -> list[int]:
    return [int(answer.headers[name]) for name in SAID]


def test_a_key_may_ask_six_thousand_times_a_minute_and_every_answer_counts_down(api):
    first, second = said(api.get("/billing/balance")), said(api.post("/contact-lists", {}))
    assert (first[:2], second[:2]) == ([6000, 5999], [6000, 5998])
    assert 0 < first[2] <= 60


def test_whoever_asks_too_often_waits_until_the_window_ends(app, alice):
    shop = limited(app, alice, 3)
    assert [shop.get("/billing/balance").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = shop.post("/contact-lists", {"name": "x"})
    assert refused.get_json()["error_code"] == "rate_limited"
    assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"]
    assert said(refused)[:2] == [3, 0]
    assert Api(app, factories.key(alice)).get("/contact-lists").get_json()["total"] == 0


def test_the_window_ends(app, alice, own_settings):
    shop = limited(app, alice, 1)
    assert [shop.get("/billing/balance").status_code for _ in range(2)] == [200, 429]
    valkey = Redis.from_url(own_settings.redis_url)
    (window,) = valkey.keys("sintalk:rate:api_key:*")
    assert 0 < valkey.pttl(window) <= 60_000
    valkey.pexpire(window, 0)
    assert shop.get("/billing/balance").status_code == 200


def test_one_key_does_not_use_up_anothers_requests(app, alice, api):
    shop = limited(app, alice, 1)
    shop.get("/billing/balance")
    assert shop.get("/billing/balance").status_code == 429
    assert api.get("/billing/balance").status_code == 200


def test_strangers_and_unknown_addresses_are_counted_too(app, alice):
    stranger = Api(app, None)
    answers = [stranger.get("/billing/balance"), stranger.get("/nowhere"), stranger.get("/openapi.json")]
    assert [answer.status_code for answer in answers] == [401, 404, 200]
    assert [said(answer)[1] for answer in answers] == [5999, 5998, 5997]


def test_a_key_shows_its_limit(api):
    made = api.post("/api-keys", {"name": "shop"}).get_json()
    assert made["rate_limit_per_minute"] == 6000
    assert {row["rate_limit_per_minute"] for row in api.get("/api-keys").get_json()["data"]} == {6000}


def test_the_api_stays_open_while_nobody_listens_where_valkey_should_be(own_settings: Settings):
    app = create_app(replace(own_settings, redis_url="redis://127.0.0.1:9/0"))
    with app.app_context():
        shop = limited(app, factories.owner("alice@example.com", "Padaria da Alice"), 3)
        assert [shop.get("/billing/balance").status_code for _ in range(4)] == [200, 200, 200, 429]
        db.session.remove()
        db.engine.dispose()


def test_somebody_can_sign_in_for_a_key_while_valkey_is_away(own_settings: Settings):
    app = create_app(replace(own_settings, redis_url="redis://127.0.0.1:9/0"))
    with app.app_context():
        factories.owner("alice@example.com", "Padaria da Alice")
        for password, status in (("wrong", 401), (factories.PASSWORD, 201)):
            answer = app.test_client().post(
                "/api/v1/api-keys", json={"name": "shop"}, auth=("alice@example.com", password)
            )
            assert answer.status_code == status, answer.get_json()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def valkey(tmp_path: Path, settings: Settings):
    """A Valkey of its own, to be stopped and started."""
    stack = start_stack(tmp_path, replace(settings, redis_url=None), durable=False, only=("valkey",))
    yield stack
    stack.stop(patience=5)


def test_each_counts_alone_while_valkey_is_away_and_together_when_it_is_back(valkey, monkeypatch):
    monkeypatch.setattr(limits, "LEFT_ALONE", 0)
    one, other = Counter(valkey.env["REDIS_URL"]), Counter(valkey.env["REDIS_URL"])
    assert [counter.hit("me", 9).count for counter in (one, other)] == [1, 2]
    valkey.stop(patience=5)
    assert [counter.hit("me", 9).count for counter in (one, other, one)] == [1, 1, 2]
    assert one.hit("me", 2).exceeded
    valkey.launch("valkey")
    eventually(lambda: "me" in str(seen(valkey, one)))
    assert [counter.hit("me", 9).count for counter in (other, one)] == [2, 3]


def seen(valkey, counter: Counter) -> list[bytes]:
    """What Valkey counts after one more request; nothing while it is not there."""
    counter.hit("me", 9)
    try:
        return Redis.from_url(valkey.env["REDIS_URL"]).keys("sintalk:rate:*")
    except RedisError:
        return []


def test_who_asks_often_is_counted_here_first_and_told_to_the_others_in_steps(own_settings, monkeypatch):
    """Of 640, a process may keep nine for itself while 639 are left."""
    monkeypatch.setattr(limits, "STEP_S", 60)
    one, other = Counter(own_settings.redis_url), Counter(own_settings.redis_url)
    assert [one.hit("me", 640).count for _ in range(10)] == list(range(1, 11))
    assert other.hit("me", 640).count == 2  # it does not know of nine
    assert one.hit("me", 640).count == 12
    monkeypatch.setattr(limits, "STEP_S", 0)
    assert [other.hit("me", 640).count, one.hit("me", 640).count] == [13, 14]


def test_what_was_not_told_when_its_window_ended_counts_in_no_other(own_settings, monkeypatch):
    monkeypatch.setattr(limits, "WINDOW_MS", 400)
    monkeypatch.setattr(limits, "STEP_S", 60)
    counter = Counter(own_settings.redis_url)
    assert [counter.hit("me", 640).count for _ in range(5)] == [1, 2, 3, 4, 5]
    eventually(lambda: not Redis.from_url(own_settings.redis_url).keys("sintalk:rate:me"))
    assert counter.hit("me", 640).count == 1


@pytest.mark.parametrize("step", [0, 60])
def test_several_processes_pass_the_limit_by_a_small_part_of_it_at_the_most(own_settings, monkeypatch, step):
    monkeypatch.setattr(limits, "STEP_S", step)
    counters = [Counter(own_settings.redis_url) for _ in range(3)]
    taken = sum(not counters[turn % 3].hit("me", 640).exceeded for turn in range(900))
    assert taken == 640 if step == 0 else 640 <= taken <= 640 + 3 * 640 // limits.PART


def test_nobody_waits_long_for_a_valkey_that_hangs(valkey):
    counter = Counter(valkey.env["REDIS_URL"])
    assert counter.hit("me", 9).count == 1
    process = valkey.children["valkey"].pid
    os.kill(process, signal.SIGSTOP)
    try:
        assert [counter.hit("me", 9).count for _ in range(3)] == [1, 2, 3]
        assert not counter.asks_valkey
    finally:
        os.kill(process, signal.SIGCONT)

"""What others wait while one company sends to very many: a single send, a campaign of 100, the claim itself.

`ours` is the time allowed, `theirs` the worst that was measured, in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from uuid import UUID

from sqlalchemy import select, text

from bench.dispatch import campaign_over, list_of
from bench.harness import Figure, Product, say, timed, wait
from sintalk.accounts import service as accounts
from sintalk.accounts.models import User
from sintalk.billing import service as billing
from sintalk.db import atomic, new_id, release, session
from sintalk.message_templates import service as templates
from sintalk.message_templates.schemas import TemplateIn
from sintalk.messages import sending, turns
from sintalk.messages.models import Dispatch, Notification
from sintalk.messages.schemas import RecipientIn

#: How often each is measured, how long each may take (seconds).
SINGLES, CAMPAIGNS, CLAIMS = 20, 3, 50
SINGLE_S, CAMPAIGN_S, CLAIM_S = 5.0, 60.0, 0.05
#: Companies whose messages wait for their time meanwhile.
WAITING = 10_000

WAITING_ONES = text("""
    WITH companies AS (
      INSERT INTO tenants (id, created_at, name, locale, timezone, currency)
      SELECT uuidv7(), now(), 'Waiting', 'pt_BR', 'America/Sao_Paulo', 'BRL' FROM generate_series(1, :count)
   RETURNING id
    ), waiting AS (
      INSERT INTO dispatches (id, created_at, updated_at, tenant_id, channel, carrier, status, chunks, total, queued,
                              sending, sent, delivered, read, not_delivered, error, unknown, suppressed, canceled,
                              segments, price_micros, cost_micros, released_micros, ready_at)
      SELECT uuidv7(), now(), now(), id, 'sms', 'simulator', 'ready', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
             now() FROM companies
   RETURNING id, tenant_id
    )
    INSERT INTO chunks (dispatch_id, no, tenant_id, first_id, last_id, status, fence, due_at, setbacks)
    SELECT id, 0, tenant_id, id, id, 'open', 0, now() + interval '1 day', 0 FROM waiting
""")


def run(product: Product, count: int) -> list[Figure]:
    """All figures, beside a campaign of this many people."""
    other = _another_company()
    hundred = list_of(product, other.tenant_id, 100)
    with atomic() as current:
        current.execute(WAITING_ONES, {"count": WAITING})
    big = list_of(product, product.owner.tenant_id, count)
    say(f"A campaign to {count:,} people, and others beside it")
    campaign = campaign_over(product.owner, big)
    dispatch = select(Dispatch.sent + Dispatch.delivered).where(Dispatch.campaign_id == campaign.id)
    wait(lambda: session().scalar(dispatch), what="it leaves", patience_s=600)
    singles = _measured(SINGLES, lambda: _single(other), pause_s=0.3)
    campaigns = _measured(CAMPAIGNS, lambda: _campaign(other, hundred))
    claims = _measured(CLAIMS, _claim)
    queued = session().scalar(select(Dispatch.queued).where(Dispatch.campaign_id == campaign.id))
    assert queued, "the large campaign was through before the others were: more --messages"
    say(f"{queued:,} of it still wait")
    return [
        _figure("single send leaves", SINGLE_S, singles),
        _figure("campaign of 100 is through", CAMPAIGN_S, campaigns),
        _figure(f"claim beside {WAITING:,} that wait", CLAIM_S, claims),
    ]


def _figure(name: str, allowed: float, took: list[float]) -> Figure:
    said = f"{name}: worst of {len(took)} {max(took):.3f} s, median {median(took):.3f} s"
    return Figure(said, allowed, "allowed / worst", max(took), 1.0)


def _measured(times: int, act: Callable[[], float], *, pause_s: float = 0.0) -> list[float]:
    took = []
    for _ in range(times):
        took.append(act())
        time.sleep(pause_s)
    return took


def _another_company() -> User:
    tenant = accounts.create_tenant(name="Beside")
    password = str(new_id())
    user = accounts.create_user(
        tenant.id, name="Beside", email="beside@sintalk.example", password=password, role="owner"
    )
    billing.top_up(tenant.id, 10**12, key="bench", memo="bench")
    return user


def _single(user: User) -> float:
    """Seconds from the request until the carrier has it."""
    made = TemplateIn.model_validate(
        {"name": str(new_id()), "channel": "sms", "sms": {"text": "Seu codigo e 1234"}}
    )
    template = templates.create(user.tenant_id, made, by=user.actor())
    recipient = RecipientIn(phone="+5511987651234", name="Ana", variables={})
    began = time.perf_counter()
    sent = sending.send(
        user.tenant_id, channel="sms", template_id=template.id, recipients=[recipient], by=user.actor()
    )
    left = select(Notification.sent_at).where(Notification.id == sent.data[0].id)
    _until(lambda: session().scalar(left))
    return time.perf_counter() - began


def _campaign(user: User, list_id: UUID) -> float:
    """Seconds from the launch until everybody's message has left."""
    began = time.perf_counter()
    campaign = campaign_over(user, list_id)
    through = select(Dispatch.finished_at).where(Dispatch.campaign_id == campaign.id)
    _until(lambda: session().scalar(through))
    return time.perf_counter() - began


def _claim() -> float:
    """Seconds for a claim, that is given back at once: what was claimed is somebody's work."""
    took = timed(_given_back)
    release()
    return took


def _given_back() -> None:
    with atomic() as current:
        turns.claim()
        current.rollback()


def _until(true: Callable[[], object]) -> None:
    give_up = time.monotonic() + 300
    while not true():
        release()
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.02)
    release()

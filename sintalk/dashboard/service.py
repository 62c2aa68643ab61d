"""Read-only looks over the other slices, for the home page. Each costs a few rows, however big the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from sintalk.campaigns import service as campaigns
from sintalk.campaigns.models import Campaign
from sintalk.contacts.models import ContactList
from sintalk.db import first_id_at, now, session
from sintalk.message_templates.models import Template
from sintalk.messages import service as messages
from sintalk.messages.models import Dispatch
from sintalk.messages.states import STATUSES

PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Seen:
    """A campaign with its counters; none before its launch."""

    campaign: Campaign
    dispatch: Dispatch | None

    @property
    def total(self) -> int:
        return self.dispatch.total if self.dispatch else 0

    @property
    def done(self) -> int:
        """How many have left, or will not."""
        return self.dispatch.total - self.dispatch.queued - self.dispatch.sending if self.dispatch else 0


@dataclass(frozen=True)
class Day:
    """What became of the messages that were written on one day."""

    date: date
    reached: int = 0
    failed: int = 0
    open: int = 0

    @property
    def total(self) -> int:
        return self.reached + self.failed + self.open


@dataclass(frozen=True)
class FirstSteps:
    """What has been done once: people imported or typed in, a template, a campaign sent."""

    people: bool
    template: bool
    campaign: bool

    @property
    def done(self) -> bool:
        return self.people and self.template and self.campaign


def running(tenant_id: UUID) -> list[Seen]:
    """What is under way, newest first."""
    return [_seen(campaign) for campaign in campaigns.running(tenant_id)[:5]]


def latest(tenant_id: UUID) -> list[Seen]:
    """The newest campaigns that are not under way."""
    rows = campaigns.campaigns(tenant_id).where(Campaign.status.not_in(("launching", "running")))
    return [_seen(row) for row in session().scalars(rows.order_by(Campaign.id.desc()).limit(5))]


def outcomes(tenant_id: UUID) -> dict[str, int]:
    """How many messages of the last 30 days stand in each status, and `cost_micros` what they cost."""
    columns = [func.coalesce(func.sum(getattr(Dispatch, name)), 0).label(name) for name in STATUSES]
    cost = func.coalesce(func.sum(Dispatch.cost_micros), 0).label("cost_micros")
    recent = select(*columns, cost).where(
        Dispatch.tenant_id == tenant_id, Dispatch.id >= first_id_at(now() - PERIOD)
    )
    return {name: int(value) for name, value in session().execute(recent).one()._mapping.items()}


def by_day(tenant_id: UUID, timezone: str) -> list[Day]:
    """The last 30 days, oldest first, each in the tenant's time zone and present also where nothing was sent."""
    day = func.date(func.timezone(timezone, Dispatch.created_at)).label("day")
    sums = [func.sum(getattr(Dispatch, name)).label(name) for name in STATUSES]
    recent = select(day, *sums).where(
        Dispatch.tenant_id == tenant_id, Dispatch.id >= first_id_at(now() - PERIOD)
    )
    found = {row.day: row for row in session().execute(recent.group_by(day))}
    today = now().astimezone(ZoneInfo(timezone)).date()
    days = [today - timedelta(days=back) for back in reversed(range(PERIOD.days))]
    return [_day(date, found.get(date)) for date in days]


def first_steps(tenant_id: UUID) -> FirstSteps:
    """How far a new company has come."""

    def any_of(model: type[ContactList | Template | Campaign], *more: object) -> bool:
        wanted = select(model.id).where(model.tenant_id == tenant_id, model.deleted_at.is_(None), *more)  # type: ignore[arg-type]
        return session().scalar(wanted.limit(1)) is not None

    return FirstSteps(
        people=any_of(ContactList, ContactList.contact_count > 0),
        template=any_of(Template),
        campaign=any_of(Campaign, Campaign.launched_at.is_not(None)),
    )


def _day(day: date, row: Any) -> Day:
    if row is None:
        return Day(day)
    return Day(
        day,
        reached=row.delivered + row.read,
        failed=row.not_delivered + row.error,
        open=row.queued + row.sending + row.sent + row.unknown,
    )


def _seen(campaign: Campaign) -> Seen:
    return Seen(campaign, messages.dispatch_of(campaign.tenant_id, campaign.id))

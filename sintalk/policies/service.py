"""A company's rules for its marketing: the hours of each channel, holidays, and how often one person is written to.

All of it is off until somebody sets it. Kept are the rules by campaigns of the category marketing; single sends and
transactional campaigns are exempt (a code or a delivery notice belongs to now), and so is what test keys send: it
reaches nobody. Out of hours a message is held, never failed (`messages.holding`); over the cap it is left out
(`messages.capping`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from sintalk.accounts import service as accounts
from sintalk.accounts.models import Tenant
from sintalk.db import atomic, now, session
from sintalk.errors import Forbidden
from sintalk.policies.calendar import Calendar, OwnDay
from sintalk.policies.hours import KINDS, Cap, Hours, Rules, Week
from sintalk.policies.models import SendingRules
from sintalk.tenancy import Actor


def rules_of(tenant_id: UUID) -> Rules:
    """What this company wants kept, as it stands now."""
    look = select(Tenant.timezone, SendingRules).outerjoin(SendingRules).where(Tenant.id == tenant_id)
    zone, row = session().execute(look.execution_options(populate_existing=True)).one()
    return _read(zone, row) if row else Rules(zone)


def set_rules(tenant_id: UUID, rules: Rules, *, by: Actor) -> Rules:
    """Keep to these from now on; what is held back is looked at again within seconds. For admins: Forbidden
    for others. What is said is checked by the schema."""
    if not by.admin:
        raise Forbidden
    values = _written(rules)
    with atomic() as current:
        fresh = upsert(SendingRules).values(tenant_id=tenant_id, version=1, **values)
        current.execute(
            fresh.on_conflict_do_update(
                index_elements=["tenant_id"], set_={**values, "version": SendingRules.version + 1}
            )
        )
        told = {name: value for name, value in values.items() if name != "updated_at"}
        accounts.record(by, "sending_rules.updated", tenant_id, **told)
    return rules_of(tenant_id)


def _written(rules: Rules) -> dict[str, Any]:
    return {
        "hours": {channel: _week_written(week) for channel, week in rules.weeks.items()},
        "national_holidays": rules.calendar.national,
        "holidays": [{"date": one.written, "name": one.name} for one in rules.calendar.own],
        "cap_messages": rules.cap.messages if rules.cap else None,
        "cap_days": rules.cap.days if rules.cap else None,
        "updated_at": now(),
    }


def _week_written(week: Week) -> dict[str, list[int]]:
    """Minutes since midnight by kind of day; closed days are left out."""
    windows = {kind: getattr(week, kind) for kind in KINDS}
    return {kind: [window.opens, window.closes] for kind, window in windows.items() if window}


def _read(zone: str, row: SendingRules) -> Rules:
    weeks: Mapping[str, Mapping[str, list[int]]] = row.hours
    return Rules(
        zone,
        {
            channel: Week(**{kind: Hours(*window) for kind, window in week.items()})
            for channel, week in weeks.items()
        },
        Calendar(row.national_holidays, tuple(OwnDay.read(one["date"], one["name"]) for one in row.holidays)),
        Cap(row.cap_messages, row.cap_days) if row.cap_messages and row.cap_days else None,
        row.version,
    )

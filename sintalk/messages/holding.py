"""Out of hours messages wait: held, never failed.

A chunk may hold people of several time zones. Whoever works on it passes over those whose area is closed, by the
very statement that takes the next ones, and gives the chunk back as due at the next opening of any of them, with a
tally of who waits until when (`Chunk.held`). So nothing spins, no row is written for waiting, no other chunk
waits for it, and a chunk comes up once an opening. The rows stay `queued`: pause, cancel and opt-outs find them.

Rules are read again before every sub-batch, so a window that closes holds back the rest. Where a company changes
its rules, the chunks that were held by others are due again at once (`wake`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import String, func, literal_column, select, text, update

from sintalk.db import atomic, now, session
from sintalk.messages import spreading
from sintalk.messages.models import Chunk, Dispatch, Notification
from sintalk.policies import hours
from sintalk.policies import service as policies
from sintalk.policies.hours import ABROAD, BRAZIL, Rules

#: How many wait until when, over all chunks of a dispatch.
WAITING = text("""
    SELECT CAST(h.key AS timestamptz) AS until, sum(CAST(h.value AS bigint)) AS people
      FROM chunks c CROSS JOIN LATERAL jsonb_each_text(c.held) AS h
     WHERE c.dispatch_id = :dispatch_id AND c.held IS NOT NULL AND c.status = 'open'
     GROUP BY 1 ORDER BY 1
""")
#: What was held by rules that hold no more is looked at again, at its pace.
WAKE = text(f"""
    WITH woken AS (
      SELECT c.dispatch_id, c.no,
             CASE WHEN c.no < {spreading.FROM} THEN 0 ELSE coalesce({spreading.STEP}, 0) * (row_number() OVER (
               PARTITION BY c.dispatch_id, c.no < {spreading.FROM}
                   ORDER BY greatest(c.due_at, now()), c.no) - 1) END AS wait
        FROM chunks c
        JOIN sending_rules r ON r.tenant_id = c.tenant_id AND r.version <> c.held_version
        JOIN dispatches d ON d.id = c.dispatch_id
       WHERE c.held IS NOT NULL AND c.status = 'open' AND c.lease_until IS NULL
    )
    UPDATE chunks c
       SET due_at = clock_timestamp() + make_interval(secs => woken.wait), since = NULL, held = NULL,
           held_version = NULL
      FROM woken
     WHERE c.dispatch_id = woken.dispatch_id AND c.no = woken.no
       AND c.held IS NOT NULL AND c.status = 'open' AND c.lease_until IS NULL
""")  # noqa: S608 - the only thing put in is our own


@dataclass(frozen=True)
class Closed:
    """What may not leave now: areas by channel, each with its next opening, and the rules that say so."""

    openings: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    version: int = 0

    def __bool__(self) -> bool:
        return any(self.openings.values())

    @property
    def everywhere(self) -> bool:
        """Whether nobody at all may be written to."""
        return bool(self.openings) and all(len(areas) == hours.EVERYWHERE for areas in self.openings.values())

    @property
    def keys(self) -> list[str]:
        """The `HOURS_KEY`s of messages that may not leave now."""
        return [f"{channel}{area}" for channel, areas in self.openings.items() for area in areas]

    def opening(self, key: str) -> datetime | None:
        """When a message of this HOURS_KEY may leave; None where it may now."""
        channel = next(channel for channel in hours.CHANNELS if key.startswith(channel))
        return self.openings.get(channel, {}).get(key.removeprefix(channel))


#: The channel that a message takes, and the area of its number: what decides when it may leave.
HOURS_KEY = (
    f"concat(coalesce(via, channel), CASE WHEN starts_with(phone, '{BRAZIL}') THEN substr(phone, 4, 2)"
    f" ELSE '{ABROAD}' END)"
)


class Bound(Protocol):
    """What a dispatch is asked here."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def channel(self) -> str: ...
    @property
    def marketing(self) -> bool: ...


def closed(dispatch: Bound, rules: Rules | None) -> Closed:
    """Which areas are closed to this dispatch now."""
    if rules is None:
        return Closed()
    channels = {dispatch.channel, "sms"} if dispatch.channel == "rcs" else {dispatch.channel}
    moment = now()
    return Closed({channel: rules.closed(channel, moment) for channel in channels}, rules.version)


def rules_for(dispatch: Bound) -> Rules | None:
    """The rules that its messages keep to; None for what is exempt."""
    return policies.rules_of(dispatch.tenant_id) if dispatch.marketing else None


def tally(chunk: Chunk, shut: Closed) -> tuple[Counter[datetime], int]:
    """Of the chunk's queued messages: how many wait until when, and how many may leave now."""
    hours_key = literal_column(HOURS_KEY, String)
    rows = session().execute(
        select(hours_key.label("key"), func.count().label("people"))
        .where(
            Notification.dispatch_id == chunk.dispatch_id,
            Notification.id.between(chunk.first_id, chunk.last_id),
            Notification.chunk_no == chunk.no,
            Notification.status == "queued",
        )
        .group_by(hours_key)
    )
    held: Counter[datetime] = Counter()
    free = 0
    for key, people in rows:
        opening = shut.opening(key)
        if opening is None:
            free += people
        else:
            held[opening] += people
    return held, free


def hold(chunk: Chunk, held: Mapping[datetime, int], version: int) -> None:
    """Note who waits until when. In the caller's transaction."""
    chunk.held = {moment.isoformat(): people for moment, people in sorted(held.items())} or None
    chunk.held_version = version if held else None


def note_waiting(dispatch_id: UUID) -> None:
    """Its pace says nothing of how fast messages leave (`campaigns.pace`). The last statement of its transaction."""
    waited = update(Dispatch).where(Dispatch.id == dispatch_id, Dispatch.waited.is_(False))
    session().execute(waited.values(waited=True).execution_options(synchronize_session=False))


def waiting(dispatch: Dispatch) -> list[tuple[datetime, int]]:
    """How many of its people wait until when for their hours, the next opening first."""
    if not dispatch.waited or not dispatch.queued:
        return []
    moment = now()
    rows = session().execute(WAITING, {"dispatch_id": dispatch.id})
    return [(row.until, int(row.people)) for row in rows if row.until > moment]


def opens_at(message: Notification) -> datetime | None:
    """When the hours of this queued message's person begin; None where it is exempt or may leave now."""
    dispatch = session().get_one(Dispatch, message.dispatch_id)
    rules = rules_for(dispatch)
    if rules is None or not message.phone:
        return None
    moment = now()
    opening = rules.opens_at(message.via or message.channel, hours.area_of(message.phone), moment)
    return opening if opening > moment else None


def wake() -> int:
    """Let chunks be looked at again that were held by rules which have changed since; how many. For the sweeper."""
    with atomic() as current:
        woken: Any = current.execute(WAKE)
    return int(woken.rowcount)

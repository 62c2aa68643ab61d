"""Sending: claim a chunk, write the intent, call the carrier, write what it said.

One transaction writes the results of the last sub-batch and the intents of the next, and only after its
COMMIT the carrier is called, with no connection held. So a worker killed anywhere leaves at most one
sub-batch of messages in `sending`: messages that may have gone out. They are never sent again blindly (see
`reaper`). The fence makes sure that of two workers who think they hold a chunk only the later one writes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text

from sintalk.carriers import registry
from sintalk.carriers.base import Attempt, Outcome, SubmitResult
from sintalk.config import ConfigError
from sintalk.contacts import service as contacts
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, compact, now, session, straight, straight_all
from sintalk.messages import (
    attempts,
    breaker,
    capping,
    composing,
    holding,
    lateness,
    pacing,
    results,
    spreading,
    tally,
    telling,
    turns,
)
from sintalk.messages.holding import Closed
from sintalk.messages.models import Chunk, Notification
from sintalk.messages.pacing import Leave
from sintalk.messages.trail import noted
from sintalk.messages.turns import LEASE, Claim, anything_due, claim
from sintalk.policies.hours import Cap
from sintalk.queue import enqueue, stopping

__all__ = ["Lost", "Worker", "anything_due", "attend", "claim", "drain"]

log = logging.getLogger(__name__)

#: A turn ends with the first call of the carrier after so many seconds: others wait.
TURN_S = 1.0
#: How long a worker stays after its last chunk, and how often it looks, in seconds.
LINGER_S, LOOK_S = 0.5, 0.05
#: Later than this after its intent was begun nothing is handed over: as long as a lease. Time goes on for a process
#: that is stopped.
CALL_WITHIN_S = LEASE.total_seconds()
#: Waits after a carrier that took nothing: 0.5 s, doubled each time, up to this.
LONGEST_WAIT_S = 30.0


def _intend_statement(more: str = "") -> str:
    return compact(f"""
        UPDATE notifications n
           SET status = 'sending', fence = %(fence)s, attempts = attempts + 1, sending_at = clock_timestamp(),
               updated_at = clock_timestamp() {more}
         WHERE id = ANY(CAST(%(ids)s AS uuid[]))
    """)  # noqa: S608 - the only thing put in is our own


INTEND = _intend_statement()
#: Who was not tried yet in a chunk that was held had waited for their hours.
INTEND_HELD = _intend_statement(
    ", trail = " + noted("CASE WHEN n.attempts = 0 AND n.via IS NULL THEN 'hours' END")
)
CHUNK = """
    SELECT fence, coalesce(since, due_at) AS since, coalesce(held, '{}') <> '{}' AS held FROM chunks
     WHERE dispatch_id = %(id)s AND no = %(no)s FOR UPDATE
"""
DISPATCH = """
    SELECT tenant_id, channel, status, marketing, max_delay_minutes, coalesce(left_at, ready_at) AS left_at
      FROM dispatches WHERE id = %(id)s
"""
RENEW = "UPDATE chunks SET lease_until = %(until)s WHERE dispatch_id = %(id)s AND no = %(no)s"


def _next_statement(more: str = "") -> str:
    return compact(f"""
        SELECT id, phone, channel, via, text, payload, expires_at, sending_at, answers_id FROM notifications
         WHERE dispatch_id = %(dispatch_id)s AND id BETWEEN %(first)s AND %(last)s AND id > %(after)s
           AND chunk_no = %(no)s AND status = 'queued' {more}
         ORDER BY id LIMIT %(most)s FOR UPDATE
    """)  # noqa: S608 - the only thing put in is our own


NEXT = _next_statement()
NEXT_OPEN = _next_statement(f"AND {holding.HOURS_KEY} <> ALL(CAST(%(shut)s AS text[]))")
PUT_BACK = text("""
    UPDATE chunks SET lease_until = NULL, since = coalesce(since, due_at), due_at = :due_at
     WHERE dispatch_id = :id AND no = :no AND fence = :fence
""")
SUPPRESS = text("""
    UPDATE notifications
       SET status = CASE WHEN unclear THEN 'unknown' ELSE 'suppressed' END, error_code = :reason,
           updated_at = clock_timestamp()
     WHERE id = ANY(:ids)
 RETURNING status
""")
#: Its money goes back, but for the part of an RCS message that may still arrive after its SMS (`charging`).
EXPIRE = text("""
    UPDATE notifications
       SET status = 'not_delivered', error_code = 'expired', updated_at = clock_timestamp(),
           released_micros = released_micros + least(
             CASE WHEN via = 'sms' AND NOT decided THEN fallback_micros ELSE price_micros END,
             price_micros - charged_micros - released_micros),
           decided = decided OR via IS NULL
     WHERE id = ANY(:ids)
""")


class Lost(Exception):
    """The chunk is somebody else's by now, or its dispatch may not go on."""


def drain() -> int:
    """Work through chunks until none is due or this process shall stop; how many that were."""
    worked = 0
    while not stopping.is_set() and (chunk := claim()) is not None:
        crashpoint("chunk_claimed")
        try:
            worker = Worker(chunk)
        except (registry.UnknownCarrier, ConfigError) as error:
            log.error("carrier %s is not set up here, its messages wait: %s", chunk.carrier, error)
            _put_back(chunk)
            continue
        worker.run()
        worked += 1
    return worked


def _put_back(chunk: Claim) -> None:
    """This process cannot send it; others perhaps can."""
    with atomic() as current:
        asked = {"id": chunk.dispatch_id, "no": chunk.no, "fence": chunk.fence}
        current.execute(PUT_BACK, {**asked, "due_at": now() + timedelta(seconds=LONGEST_WAIT_S)})


def attend() -> int:
    """Drain, and after work stay a moment for what comes next; how many chunks that were.

    Single sends come one by one, and a worker that looks costs less than one that is rung for: what came in
    between two looks is handed over together.
    """
    worked = drain()
    until = monotonic() + LINGER_S
    while worked and monotonic() < until and not stopping.wait(LOOK_S):
        if more := drain():
            worked += more
            until = monotonic() + LINGER_S
    return worked


class Worker:
    """One worker's pass over one chunk."""

    def __init__(self, chunk: Claim) -> None:
        self.tenant_id, self.dispatch_id, self.no = chunk.tenant_id, chunk.dispatch_id, chunk.no
        self.first_id, self.last_id, self.fence = chunk.first_id, chunk.last_id, chunk.fence
        self.claim = chunk
        self.setbacks = chunk.setbacks
        self.after: UUID | None = None
        self.put_back = self.progress = 0
        self.wait_s = 0.0
        self.turn_ends = monotonic() + TURN_S
        self.carrier = registry.get(chunk.carrier, current_app.config["SETTINGS"])
        self.pace = pacing.Pace(self.carrier, chunk)
        self.leave: Leave | None = None
        self.shut = Closed()
        self.cap: Cap | None = None

    def run(self) -> None:
        """Sub-batch after sub-batch until the chunk is through, or is not ours any more."""
        answers: list[SubmitResult] = []
        try:
            while True:
                self.leave = self.pace.leave()
                began = monotonic()
                batch = self._step(answers)
                self.leave.give_back(len(batch))
                if not batch:
                    return
                crashpoint("intent_committed")
                if monotonic() - began > CALL_WITHIN_S:
                    raise Lost(
                        "it stood still, and others may believe by now that the carrier was not called"
                    )
                answers = self.carrier.submit(batch)
                crashpoint("answer_received")
                pacing.learn(self.carrier, self.claim, answers, probing=self.leave.probing)
        except Lost as lost:
            log.info("chunk %s/%s: %s", self.dispatch_id, self.no, lost)

    def _step(self, answers: Sequence[SubmitResult]) -> list[Attempt]:
        """Write these answers and the next intents, in one transaction. An empty list: the pass is over."""
        with atomic():
            me = {"id": self.dispatch_id, "no": self.no}
            chunk, dispatch = straight(CHUNK, me), straight(DISPATCH, me)
            mine = chunk.fence == self.fence
            steps = self._write(answers, idempotent=self.carrier.info.idempotency == "client_id")
            if answers:
                crashpoint("results_written")
            batch: list[Attempt] = []
            through = False
            most = self._most()
            late = self.after is None and lateness.late(chunk, dispatch)
            if mine and dispatch.status == "ready" and (most or late):
                rules = holding.rules_for(dispatch)
                self.shut, self.cap = holding.closed(dispatch, rules), rules.cap if rules else None
                if late and self._next(1):
                    breaker.halt(self.dispatch_id, "overdue")
                elif most:
                    batch, left_out = self._intend(most, INTEND_HELD if chunk.held else INTEND)
                    steps += [("queued", "sending")] * len(batch) + left_out
                    through = not batch
            held = False
            if mine and batch:
                straight_all(RENEW, {**me, "until": now() + LEASE})
            elif mine:
                held = self._hand_back(through=through)
                if dispatch.status == "canceled":
                    enqueue("sintalk.messages.jobs.take_back")
            if answers or steps:
                results.settle_later(self.dispatch_id, [self.no])
            tally.move(self.dispatch_id, steps)
            if held:
                holding.note_waiting(self.dispatch_id)
            if self._held_up:
                turns.leave_alone(self.dispatch_id, self._held_up)
        if not mine:
            raise Lost("its lease ran out")
        return batch

    def _most(self) -> int:
        """How many may be handed over now: none at a stop, after a turn that was long enough, or by the pace.

        Every turn hands over something, however slow the carrier is.
        """
        if stopping.is_set() or (self.after is not None and monotonic() > self.turn_ends):
            return 0
        return self.leave.count if self.leave else self.carrier.limits.max_batch

    @property
    def _held_up(self) -> datetime | None:
        """Until when the pace lets nothing of this dispatch leave."""
        return self.leave.until if self.leave else None

    def _write(self, answers: Sequence[SubmitResult], *, idempotent: bool) -> list[tuple[str | None, str]]:
        if not answers:
            return []
        took_nothing = [
            a for a in answers if a.outcome in (Outcome.THROTTLED, Outcome.RETRYABLE, Outcome.CONFIG)
        ]
        unclear = sum(1 for a in answers if a.outcome is Outcome.UNKNOWN)
        self.progress += len(answers) - len(took_nothing) - unclear
        self.wait_s = max([self.wait_s, *(a.retry_after_s or 0.0 for a in took_nothing)])
        steps = results.write(answers, tenant_id=self.tenant_id, fence=self.fence, idempotent=idempotent)
        self.put_back += sum(1 for _, after in steps if after == "queued")
        return steps

    def _intend(self, most: int, intend: str) -> tuple[list[Attempt], list[tuple[str | None, str]]]:
        """Mark the next queued messages as being sent, but for what expired and people who are to be left out.

        Also the steps of those: left out, or `unknown` where an earlier attempt may have reached them.
        """
        left_out: list[tuple[str | None, str]] = []
        with atomic() as current:
            while rows := self._next(most):
                self.after = rows[-1].id
                late = sorted(row.id for row in rows if _expired(row))
                if late:
                    current.execute(EXPIRE, {"ids": late})
                    left_out += [("queued", "not_delivered")] * len(late)
                out = {id_: reason for id_, reason in self._left_out(rows).items() if id_ not in late}
                for reason in sorted(set(out.values())):
                    ids = [id_ for id_ in out if out[id_] == reason]
                    after = current.scalars(SUPPRESS, {"ids": ids, "reason": reason})
                    left_out += [("queued", status) for status in after]
                telling.tell(self.tenant_id, [*out, *late])
                going = [row for row in rows if row.id not in out and row.id not in late]
                if going:
                    straight_all(intend, {"ids": [row.id for row in going], "fence": self.fence})
                    return [_attempt(row) for row in going], left_out
        return [], left_out

    def _next(self, most: int) -> Sequence[Any]:
        """The next queued rows of the chunk whose people's hours have begun, locked."""
        asked = {
            "dispatch_id": self.dispatch_id,
            "no": self.no,
            "after": self.after or UUID(int=0),
            "first": self.first_id,
            "last": self.last_id,
            "most": most,
        }
        return (
            straight_all(NEXT_OPEN, {**asked, "shut": self.shut.keys})
            if self.shut
            else straight_all(NEXT, asked)
        )

    def _left_out(self, rows: Sequence[Any]) -> dict[UUID, str]:
        """Who gets nothing after all, with the reason."""
        return {
            **dict.fromkeys(self._over_cap(rows), "frequency_cap"),
            **dict.fromkeys(self._opted_out(rows), "opted_out"),
        }

    def _over_cap(self, rows: Sequence[Any]) -> set[UUID]:
        """Who has had enough. Not asked of what the carrier may have already, nor of an SMS that takes over."""
        asked = [row for row in rows if row.sending_at is None and row.via is None]
        if self.cap is None or not asked:
            return set()
        capping.lock(self.tenant_id)
        capped = capping.capped_phones(self.tenant_id, self.cap, [row.phone for row in asked])
        return {row.id for row in asked if row.phone in capped}

    def _opted_out(self, rows: Sequence[Any]) -> set[UUID]:
        """Whose number wants nothing more on the channel that the message takes. The word that says so is answered."""
        out = set()
        asked = [row for row in rows if row.answers_id is None]
        for channel in {row.via or row.channel for row in asked}:
            mine = [row for row in asked if (row.via or row.channel) == channel]
            phones = contacts.opted_out_phones(self.tenant_id, channel, [row.phone for row in mine])
            out |= {row.id for row in mine if row.phone in phones}
        return out

    def _anything_queued(self) -> bool:
        """Whether the chunk has work again: a receipt may have put a message back behind this pass."""
        waiting = select(Notification.id).where(
            Notification.dispatch_id == self.dispatch_id,
            Notification.id.between(self.first_id, self.last_id),
            Notification.chunk_no == self.no,
            Notification.status == "queued",
        )
        return session().scalar(waiting.limit(1)) is not None

    def _hand_back(self, *, through: bool) -> bool:
        """Give the chunk up: done, or due again once the carrier may be asked once more, or hours begin.

        Whether somebody of it waits for their hours.
        """
        with atomic() as current:
            chunk = current.get_one(Chunk, (self.dispatch_id, self.no), populate_existing=True)
            self._say_when(chunk, through=through)
        return bool(chunk.held)

    def _say_when(self, chunk: Chunk, *, through: bool) -> None:
        chunk.lease_until = None
        if through:
            held, free = self._still_queued(chunk)
            holding.hold(chunk, held, self.shut.version)
            if not held and not free and not self.put_back:
                chunk.status = "done"
                return
            if held and not free:
                shut = self.shut
                chunk.since = None
                chunk.due_at = spreading.after_opening(
                    chunk, min(held), version=shut.version, nobody=shut.everywhere
                )
        if self.put_back:
            chunk.setbacks = 0 if self.progress else min(self.setbacks + 1, 10)
            wait = max(self.wait_s, min(LONGEST_WAIT_S, 0.5 * 2**chunk.setbacks))
            lateness.try_again(chunk, now() + timedelta(seconds=wait))
        if self._held_up:
            lateness.try_again(chunk, max(chunk.due_at, self._held_up))

    def _still_queued(self, chunk: Chunk) -> tuple[Mapping[datetime, int], int]:
        """Who waits until when for their hours, and whether there is other work: how many, or 1 for some."""
        if self.shut:
            return holding.tally(chunk, self.shut)
        return {}, int(self._anything_queued())


def _expired(row: Any) -> bool:
    """Too late to begin with. Where it is unclear whether the carrier has it, it is asked: it may be too late."""
    return row.expires_at is not None and row.expires_at <= now() and row.sending_at is None


def _attempt(row: Any) -> Attempt:
    """What goes out for this message now: itself, or the SMS that takes over from it."""
    left = row.expires_at and max(1, math.ceil((row.expires_at - now()).total_seconds()))
    if row.via is None:
        words = row.text if row.channel == "sms" else None
        return Attempt(row.id, row.phone, row.channel, words, row.payload, left)
    fallback = composing.fallback_sms(row.payload)
    assert fallback is not None, row.id
    id_ = attempts.id_of(row.id, second=True)
    return Attempt(id=id_, to=row.phone, channel=row.via, text=fallback.text, ttl_seconds=left)

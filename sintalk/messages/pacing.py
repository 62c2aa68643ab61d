"""How many of a chunk's messages may be handed over now: asked before every sub-batch, outside any transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Row, text

from sintalk.carriers.base import Carrier, Outcome, SubmitResult
from sintalk.db import now, release, session
from sintalk.messages import breaker, rates
from sintalk.messages.rates import Limit
from sintalk.messages.turns import Claim

#: So long is believed what was read, in seconds: some sub-batches, and no time for somebody who changes a rate.
LOOK_S = 0.5
LOOK = text("""
    SELECT (SELECT CAST(rates ->> :channel AS double precision) FROM tenants WHERE id = :tenant_id) AS per_second,
           (SELECT until FROM carrier_states WHERE carrier = :carrier) AS until
""")


@dataclass(frozen=True, slots=True)
class Leave:
    """So many may go; where that is none, not before `until`. `probing`: they are to show if the carrier is well."""

    count: int
    until: datetime | None = None
    probing: bool = False
    limits: list[Limit] = field(default_factory=list)

    def give_back(self, used: int) -> None:
        """Not all of them were there."""
        rates.give_back(self.limits, self.count - used)


class Pace:
    """How fast one chunk may leave. What the company and the carrier say of it is read again every LOOK_S seconds."""

    def __init__(self, carrier: Carrier, claim: Claim) -> None:
        self.carrier, self.claim = carrier, claim
        self._seen: Row[Any] | None = None
        self._looked = 0.0

    def leave(self) -> Leave:
        """How many of the chunk may go now: the carrier well, and no rate above its limit."""
        seen, wanted = self._look(), self.carrier.limits.max_batch
        probing = seen.until is not None
        if probing:
            self._seen = None  # what comes of it decides, for all
            if seen.until > now():
                return Leave(0, seen.until)
            wanted = min(breaker.PROBE, wanted)
        limits = rates.limits(self.carrier, self.claim.tenant_id, self.claim.channel, seen.per_second)
        grant = rates.take(limits, wanted, single=self.claim.single)
        if not grant.count:
            return Leave(0, now() + timedelta(seconds=grant.wait_s))
        if probing and not breaker.may_probe(self.claim.carrier):
            rates.give_back(limits, grant.count)
            return Leave(0, now() + timedelta(seconds=breaker.FIRST_PAUSE_S))
        return Leave(grant.count, probing=probing, limits=limits)

    def _look(self) -> Row[Any]:
        if self._seen is None or monotonic() - self._looked > LOOK_S:
            claim = self.claim
            asked = {"channel": claim.channel, "tenant_id": claim.tenant_id, "carrier": claim.carrier}
            self._seen, self._looked = session().execute(LOOK, asked).one(), monotonic()
            release()
        return self._seen


def learn(carrier: Carrier, claim: Claim, answers: list[SubmitResult], *, probing: bool) -> None:
    """What the carrier's answers say about it and about the campaign, before they are written down."""
    breaker.note(claim.carrier, answers, probing=probing)
    if not claim.single:
        breaker.note_of(claim.dispatch_id, answers)
    if any(answer.outcome is Outcome.THROTTLED for answer in answers):
        rates.slow_down(carrier)

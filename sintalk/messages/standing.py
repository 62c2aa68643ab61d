"""One message while callbacks are applied to it: what a receipt does to its status, its money, its second way.
Pure, but for the row it begins with.
"""

from __future__ import annotations

from typing import Any

from sintalk.carriers.base import Call
from sintalk.messages import charging
from sintalk.messages.charging import ARRIVED, Money
from sintalk.messages.states import CLOSED, after_receipt

#: An RCS message in one of these may still be followed by its SMS.
ON_ITS_WAY = ("queued", "sending", "unknown", "sent")
#: A dispatch in one of these sends what is put back into its queue.
OPEN = ("ready", "finished", "paused")


class Standing:
    """Where a message stands; `take` the receipts one after the other, then `news` is what to write, if any."""

    def __init__(self, row: Any) -> None:
        self.row = row
        self.status, self.via = row.status, row.via
        self.money = Money(
            price=row.price_micros,
            charged=row.charged_micros,
            released=row.released_micros,
            fallback=row.fallback_micros,
            decided=row.decided,
            minute=row.minute_micros,
        )
        self.last: dict[str, Any] | None = None
        self.took_over = False

    def take(self, event: dict[str, Any], *, second: bool) -> None:
        """Apply one receipt about the first attempt, or about the second."""
        if self.status in CLOSED or (second and self.via is None):
            return
        told, takes_over = event["status"], not second and self._takes_over(event["status"])
        money = charging.after_receipt(
            self.money,
            channel=self.row.channel,
            told=told,
            error=event["error"],
            second=second,
            took_over=takes_over or self.via is not None,
            call=Call(**event["call"]) if event.get("call") else None,
        )
        stale = self.via is not None and not second and told not in ARRIVED
        after = "queued" if takes_over else None if stale else self._after(told)
        if takes_over:
            self.via, self.took_over = "sms", True
        if after or money != self.money:
            self.last = event if after or self.last is None else self.last
        self.status, self.money = after or self.status, money

    def _takes_over(self, told: str) -> bool:
        row = self.row
        return (
            row.channel == "rcs"
            and self.via is None
            and row.falls_back
            and row.dispatch_status in OPEN
            and told in ("not_delivered", "error")
            and self.status in ON_ITS_WAY
        )

    def _after(self, told: str) -> str | None:
        after = after_receipt(self.status, told)
        # the RCS message may still arrive, so there is no last word yet
        return "not_delivered" if after == "error" and self.via and not self.money.decided else after

    @property
    def money_moved(self) -> bool:
        """Whether there is something to settle: money moved, or goes back with a refusal."""
        row = self.row
        return self.status in CLOSED or (self.money.charged, self.money.released) != (
            row.charged_micros,
            row.released_micros,
        )

    @property
    def news(self) -> dict[str, Any] | None:
        """The row's new values, with the event that made them; None where nothing changed."""
        if self.last is None:
            return None
        call = self.last.get("call") or {}
        return {
            **{name: self.last[name] for name in ("error", "ref", "at")},
            "id": str(self.row.id),
            "status": self.status,
            "via": self.via,
            "took_over": self.took_over,
            "charged": self.money.charged,
            "released": self.money.released,
            "decided": self.money.decided,
            "call_result": call.get("result"),
            "answered_by": call.get("answered_by"),
            "answered_seconds": call.get("answered_seconds"),
            "billed_seconds": call.get("billed_seconds"),
        }

"""What a message is charged, and when. Pure: integers in, integers out.

`price` was held for it and is the most that it can cost. What is charged and what goes back only grow, and
together never pass the price; what is neither is still held.

- SMS: all of it once the carrier accepted it.
- RCS: its own price once it is delivered; back once it can no longer be. The price of the SMS that takes over is
  charged once that is accepted. A message that could not be revoked may still arrive after its SMS: both cost.
- Voice: at hang-up, by billed seconds.

What nobody ever said a last word about goes back after `FINAL_AFTER`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from sintalk.carriers.base import REVOKE_FAILED, Call
from sintalk.message_templates import voice
from sintalk.messages.states import REFUSED

#: Carriers send no receipts after this; what is held then is given back.
FINAL_AFTER = timedelta(hours=72)
ARRIVED = ("delivered", "read")


@dataclass(frozen=True, slots=True)
class Money:
    """One message's money, in micro-units. `minute` is what a minute of a call costs.

    `decided`: an RCS message's own part was charged or given back, whatever its SMS does.
    """

    price: int
    charged: int = 0
    released: int = 0
    fallback: int = 0
    decided: bool = False
    minute: int | None = None

    @property
    def held(self) -> int:
        """What is neither charged nor given back."""
        return self.price - self.charged - self.released

    def charge(self, amount: int) -> Money:
        """Charge this much, as far as it is still held."""
        more = min(amount, self.held)
        return replace(self, charged=self.charged + more) if more else self

    def release(self, amount: int) -> Money:
        """Give this much back, as far as it is still held."""
        more = min(amount, self.held)
        return replace(self, released=self.released + more) if more else self


def after_receipt(
    money: Money,
    *,
    channel: str,
    told: str,
    error: str | None = None,
    second: bool = False,
    took_over: bool = False,
    call: Call | None = None,
) -> Money:
    """The money after a receipt that tells `told` about the first attempt, or about the `second` one.

    `took_over`: whether the SMS is, or now gets, its turn.
    """
    if channel == "voice":
        return _after_call(money, told, call)
    if channel == "rcs":
        return _after_rcs(money, told, error, second=second, took_over=took_over)
    return money if told in REFUSED else money.charge(money.price)


def _after_call(money: Money, told: str, call: Call | None) -> Money:
    if told in ARRIVED:
        if call is not None and call.billed_seconds is not None and money.minute is not None:
            money = money.charge(voice.price(money.minute, call.billed_seconds))
            return money.release(money.held)
        return money.charge(money.held)  # a carrier that does not count: what was agreed on beforehand
    return money.release(money.held) if told in ("not_delivered", "error") else money


def _after_rcs(money: Money, told: str, error: str | None, *, second: bool, took_over: bool) -> Money:
    own = money.price - money.fallback
    if second:
        still_open = money.held - (0 if money.decided else own)
        return money.release(still_open) if told == "error" else money.charge(still_open)
    arrived, gone = told in ARRIVED, told in ("not_delivered", "error") and error != REVOKE_FAILED
    if money.decided or not (arrived or gone):
        return money
    money = replace(money.charge(own) if arrived else money.release(own), decided=True)
    return money if took_over else money.release(money.held)

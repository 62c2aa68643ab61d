"""Named points at which a process can be told to end as after kill -9, to prove that nothing is lost by it.

`SINTALK_CRASHPOINT=intent_committed` ends the process the first time it comes by there, `intent_committed:3`
the third time. Off, as it always is but in tests, a point costs one comparison.
"""

from __future__ import annotations

import os

#: What the shell reports of a process that was killed with -9.
DEAD = 137

#: point -> what has happened when the process ends there
POINTS = {
    "before_commit": "a transaction is about to be committed (in every flow)",
    "after_commit": "it is committed, and nobody was rung for yet (in every flow)",
    "page_written": "a page of recipients is written, not committed",
    "expanded": "everybody has a row, no money is held",
    "money_held": "the money is held, not committed",
    "chunk_claimed": "a chunk is leased, nothing of it marked",
    "intent_committed": "messages are marked as being sent, the carrier was not called",
    "answer_received": "the carrier answered, nothing of it is written",
    "results_written": "its answers are written, not committed",
    "receipt_kept": "a callback is kept, and the carrier not answered",
    "receipts_applied": "receipts moved their messages, not committed",
    "chunk_settled": "money was captured and released, not committed",
    "campaign_ended": "a campaign is at its end, its lists are free, not committed",
    "schedule_kept": "a scheduled campaign was launched by the clock, not committed",
    "chunk_taken_back": "a chunk of a canceled campaign is taken back, not committed",
    "chunk_freed": "the reaper took a chunk from a dead worker, not committed",
    "looked_up": "a carrier said what it has of what was unknown, not committed",
    "send_written": "the recipients of a request are written, not committed",
    "import_batch_written": "rows of a file are in the list, not committed",
    "delivery_claimed": "webhook deliveries are ours, nobody was called",
    "delivery_called": "the endpoint answered, nothing of it is written",
}

_armed: str | None = None
_left = 0


class UnknownPoint(ValueError):
    """There is no crash point of this name."""


def arm(spec: str | None) -> None:
    """End this process at the point, `name` or `name:nth`; None disarms. Raises UnknownPoint."""
    global _armed, _left
    name, _, nth = (spec or "").partition(":")
    if name and (name not in POINTS or not (nth or "1").isdigit()):
        raise UnknownPoint(spec)
    _armed, _left = name or None, int(nth or "1")


def crashpoint(name: str) -> None:
    """The process ends here, where it was told to."""
    if _armed == name:
        _come_by()


def _come_by() -> None:
    global _left  # noqa: PLW0603
    _left -= 1
    if _left == 0:
        os._exit(DEAD)

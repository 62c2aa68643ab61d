"""Under which id an attempt goes out.

A message's first attempt carries the message's own id, a UUIDv7. The SMS that takes over from an RCS message is
another message to a carrier that knows ids, so it has an id of its own: the same one with the version digit 8.
That can be read back, so a receipt finds its message without a table in between.

A voice message is one attempt, however often it rings: the order to the carrier is "reach this person, at most
so many calls", as the trade's carriers take it (Directcall's `num_tentativas`). If the redials were ours, each would
be a submission of its own that can be lost in `unknown`, a campaign would be under way for hours after its last
chunk, and the promise never to ring twice by mistake would hang on all of it.
"""

from __future__ import annotations

from uuid import UUID

#: Where the version digit stands in the 32 of an id.
AT = 12
#: And in the form with hyphens, two of which come before it.
AT_WRITTEN = 14
OWN, SECOND = "7", "8"


def id_of(message_id: UUID, *, second: bool) -> UUID:
    """The id that the carrier gets."""
    return _with_digit(message_id, SECOND) if second else message_id


def read(attempt_id: UUID) -> tuple[UUID, bool]:
    """The message that an attempt belongs to, and whether it is the second one."""
    if attempt_id.hex[AT] == SECOND:
        return _with_digit(attempt_id, OWN), True
    return attempt_id, False


def is_second(attempt_id: str) -> bool:
    """Whether an attempt, its id in the usual form with hyphens, is a message's second one."""
    return attempt_id[AT_WRITTEN] == SECOND


def _with_digit(id_: UUID, digit: str) -> UUID:
    return UUID(hex=id_.hex[:AT] + digit + id_.hex[AT + 1 :])

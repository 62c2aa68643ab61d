"""What both ends of the simulator's protocol agree on: its limits, and the signature of its callbacks."""

from __future__ import annotations

import hashlib
import hmac
import time

from sintalk.carriers.base import BadSignature

MAX_BATCH = 200
MAX_RECEIPTS = 200

SIGNATURE_HEADER = "X-Simulator-Signature"
TIMESTAMP_HEADER = "X-Simulator-Timestamp"
#: A callback older than this, or from so far in the future, is a replay.
MAX_AGE_S = 300


def signing_key(secret_key: str) -> bytes:
    """The key of the callbacks' signatures, made of the installation's, which stays out of the protocol."""
    return hmac.new(secret_key.encode(), b"simulator:callback-signature", hashlib.sha256).digest()


def sign(key: bytes, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers that vouch for this body at this second."""
    digest = hmac.new(key, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {SIGNATURE_HEADER: f"sha256={digest}", TIMESTAMP_HEADER: str(timestamp)}


def verify(key: bytes, body: bytes, *, signature: str, timestamp: str) -> None:
    """Raises BadSignature where the body was not signed with this key within the last five minutes."""
    # isascii too: int() takes other alphabets' digits, and more of them than fit.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("no timestamp")
    expected = sign(key, body, int(timestamp))[SIGNATURE_HEADER]
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogateescape")):
        raise BadSignature("wrong signature")
    if abs(time.time() - int(timestamp)) > MAX_AGE_S:
        raise BadSignature("signed too long ago")

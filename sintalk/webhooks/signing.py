"""Signatures by the Standard Webhooks convention (standardwebhooks.com, 1.0). Pure.

    webhook-signature: v1,base64(HMAC-SHA256(secret, "<webhook-id>.<webhook-timestamp>.<body>"))

With two secrets while one is rotated there are two signatures, with a blank between.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
#: The convention asks for 24 to 64 random bytes.
SIZE = 32


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SIZE)).decode()


def headers(event_id: str, timestamp: int, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The three headers of a call; `timestamp` in seconds since 1970, of this attempt."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(event_id, timestamp, body, key) for key in keys),
    }


def _signature(event_id: str, timestamp: int, body: bytes, key: str) -> str:
    raw = base64.b64decode(key.removeprefix(PREFIX))
    signed = hmac.digest(raw, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode()

"""Guessing passwords is slow: five mistakes a minute for an e-mail, twenty for an address, at both doors.

Counted in Valkey, shared by all web processes; each process counts for itself while Valkey is away.
"""

from __future__ import annotations

import logging

from flask import Flask, current_app
from flask_babel import lazy_gettext as _l
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from sintalk.errors import DomainError

log = logging.getLogger(__name__)

PER_EMAIL, PER_ADDRESS = parse("5/minute"), parse("20/minute")
alone = FixedWindowRateLimiter(MemoryStorage())


def init(app: Flask) -> None:
    """Count in this application's Valkey, or in this process where it has none."""
    url = app.config["REDIS_URL"]
    storage = storage_from_string(url, socket_connect_timeout=1) if url else MemoryStorage()
    app.extensions["sintalk.throttle"] = FixedWindowRateLimiter(storage)


def before(email: str, ip: str) -> None:
    """Raises 429 where too many mistakes were made lately."""
    for limit, key in _keys(email, ip):
        if not _ask("test", limit, key):
            raise DomainError(
                429,
                "rate_limited",
                _l("Too many wrong passwords. Wait a minute and try again."),
                headers={"Retry-After": "60"},
            )


def failed(email: str, ip: str) -> None:
    """Count a mistake."""
    for limit, key in _keys(email, ip):
        _ask("hit", limit, key)


def _ask(verb: str, limit: RateLimitItem, key: tuple[str, str]) -> bool:
    try:
        return bool(getattr(current_app.extensions["sintalk.throttle"], verb)(limit, *key))
    except RedisError as error:
        log.warning(
            "wrong passwords are counted in this process only, since Valkey does not answer: %s", error
        )
        return bool(getattr(alone, verb)(limit, *key))


def _keys(email: str, ip: str) -> list[tuple[RateLimitItem, tuple[str, str]]]:
    return [
        (PER_EMAIL, ("wrong-password-email", email.strip().lower()[:254])),
        (PER_ADDRESS, ("wrong-password-address", ip)),
    ]

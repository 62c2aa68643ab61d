"""Guessing passwords is slow: five mistakes a minute for an e-mail, twenty for an address, at both doors.

Counted in Valkey, shared by all web processes; each process counts for itself while Valkey is away.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from limits import RateLimitItem, parse

from sintalk.errors import DomainError
from sintalk.extensions import limiter

PER_EMAIL, PER_ADDRESS = parse("5/minute"), parse("20/minute")


def before(email: str, ip: str) -> None:
    """Raises 429 where too many mistakes were made lately."""
    for limit, key in _keys(email, ip):
        if not limiter.limiter.test(limit, *key):
            raise DomainError(
                429,
                "rate_limited",
                _l("Too many wrong passwords. Wait a minute and try again."),
                headers={"Retry-After": "60"},
            )


def failed(email: str, ip: str) -> None:
    """Count a mistake."""
    for limit, key in _keys(email, ip):
        limiter.limiter.hit(limit, *key)


def _keys(email: str, ip: str) -> list[tuple[RateLimitItem, tuple[str, str]]]:
    return [
        (PER_EMAIL, ("wrong-password-email", email.strip().lower()[:254])),
        (PER_ADDRESS, ("wrong-password-address", ip)),
    ]

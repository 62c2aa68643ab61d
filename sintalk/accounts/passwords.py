"""Passwords at rest: argon2id with OWASP's parameters (19 MiB, two passes, one lane)."""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask_babel import lazy_gettext as _l

SHORTEST, LONGEST = 10, 256
#: The first guesses of everybody; longer lists belong to an operator's own policy.
COMMON = {"1234567890", "12345678910", "password12", "senha12345", "qwertyuiop", "sintalk123", "0123456789"}

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_nobody = _hasher.hash("nobody signs in with this")


def weakness(password: str) -> Any:
    """Why this password cannot be taken, as a sentence; None where it can."""
    if not SHORTEST <= len(password) <= LONGEST:
        return _l("A password has 10 to 256 characters. A short sentence is a good one.")
    if password.lower() in COMMON or len(set(password)) < 4:
        return _l("This password is among the first that anybody would try.")
    return None


def hashed(password: str) -> str:
    """The hash to keep."""
    return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; without a hash False, after the same time."""
    try:
        return _hasher.verify(kept or _nobody, password) and kept is not None
    except (Argon2Error, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)

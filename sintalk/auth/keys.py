"""The form of API keys: `stk_live_<32 random base62 characters>_<6 characters of checksum>`.

The checksum lets scanners of leaked secrets tell our keys from noise without asking us (GitHub's idea).
190 bits of randomness make a plain SHA-256 at rest enough (OWASP ASVS 6.5.2: from 112 bits).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
FORM = re.compile(r"stk_(live|test)_([0-9A-Za-z]{32})_([0-9A-Za-z]{6})")
PREFIX_LENGTH = len("stk_live_") + 6


def make(mode: str) -> str:
    """A new key of this mode, `live` or `test`."""
    body = f"stk_{mode}_" + "".join(secrets.choice(ALPHABET) for _ in range(32))
    return f"{body}_{checksum(body)}"


def checksum(body: str) -> str:
    """CRC32 in base62, six characters."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits


def well_formed(key: str) -> bool:
    """Whether this can be a key at all; spares the database a look-up for noise."""
    return FORM.fullmatch(key) is not None and checksum(key[:-7]) == key[-6:]


def hashed(key: str) -> bytes:
    """What is kept of a key, and looked up."""
    return hashlib.sha256(key.encode()).digest()

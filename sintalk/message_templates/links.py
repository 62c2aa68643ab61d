"""Addresses with placeholders in them. Pure: no database, no Flask.

What stands in a link behind its host is data: a value there is percent-encoded whole, as a browser's
`encodeURIComponent` does it, so that `https://loja.com.br/?q={{produto}}` stays one link for "Pão & café". A default
is the author's own writing and may hold several parts (`ofertas/hoje`): only what no address may hold is encoded.
A value that is the whole address, or its host, stays as it is; in RCS such an address must then be https, else the
person is left out (`invalid_link`).
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_BEHIND_A_HOST = re.compile(r"(?:https?://|www\.)[^\s/?#]+[/?#]\S*\Z", re.IGNORECASE)
_HOST = re.compile(r"[\w.:-]+")


def goes_on(text: str) -> bool:
    """Whether what comes next continues a link behind its host: `https://loja.com.br/` and `www.loja.com.br?q=` do."""
    word = max(text.rfind(blank) for blank in " \n\t\r") + 1
    return _BEHIND_A_HOST.search(text, word) is not None


def value(text: str) -> str:
    """A value as a part of a link."""
    return quote(text, safe="!'()*", errors="replace")


def default(text: str) -> str:
    """A default in a link: signs that part an address stay, and what is encoded already."""
    return quote(text, safe=";,/?:@&=+$!*'()#%", errors="replace")


def is_https(url: str) -> bool:
    """Whether it is an address that begins with `https://` and has a host."""
    if not url.startswith("https://") or any(letter.isspace() or not letter.isprintable() for letter in url):
        return False
    try:
        parts = urlsplit(url)
        return bool(_HOST.fullmatch(parts.hostname or "")) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False

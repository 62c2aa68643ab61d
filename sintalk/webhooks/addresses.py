"""Where a webhook may go: public https, and nothing that leads back into our own network. Pure.

A URL is read once, strictly, and put together anew from what was understood, so that no second reader can
understand it otherwise. What a name resolves to is judged at every connection, since it may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

MAX_URL = 2_000
_URL = re.compile(r"(https?)://([^/?#]+)([/?][^#]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:@%]+))(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: Names that never belong to the public network (RFC 6761, 6762, 8375, and what clouds call their insides).
_INNER = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "corp",
    "private",
    "test",
    "invalid",
)

#: Not for the public though Python's is_global lets them pass (in some versions), or unfit for a connection.
_CLOSED_V4 = [
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's inner service
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
    )
]
_CLOSED_V6 = [IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "3fff::/20")]
#: What is given out at all (RFC 4291); everything else of IPv6 is local, reserved, or wraps something.
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """This address is not called; `code` says why, for a program."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Target:
    """A URL as we understand it. `loopback`: this machine itself, by the operator's leave."""

    scheme: str
    host: str
    port: int
    path: str
    loopback: bool = False

    @property
    def url(self) -> str:
        """The only spelling that is kept and called."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme] == self.port
        return f"{self.scheme}://{host}{'' if usual else f':{self.port}'}{self.path}"


def read(url: str, *, allow_loopback: bool = False) -> Target:
    """The target of a URL.

    Raises Refused: `invalid_url`, `not_https`, `port_not_allowed`, `credentials_in_url`, `not_public`.
    """
    if len(url) > MAX_URL or not url.isprintable() or " " in url or "\\" in url:
        raise Refused("invalid_url")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise Refused("not_https" if "://" in url and not url.lower().startswith("http") else "invalid_url")
    scheme, authority, path = parts[1].lower(), parts[2], parts[3] or "/"
    if "@" in authority:
        raise Refused("credentials_in_url")
    found = _AUTHORITY.fullmatch(authority)
    if found is None or not path.isascii():
        raise Refused("invalid_url")
    host = _literal_v6(found[1]) if found[1] else _name(found[2])
    port = int(found[3] or {"https": 443, "http": 80}[scheme])
    inside = allow_loopback and _is_loopback(host)
    if not inside:
        _refuse_all_but_public(scheme, host, port)
    if not 1 <= port <= 65_535:
        raise Refused("port_not_allowed")
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}", inside)


def permitted(addresses: Iterable[str], *, loopback: bool) -> list[str]:
    """The addresses that a name resolved to, if each of them may be called. Raises Refused: `not_public`."""
    found = [ip_address(address) for address in addresses]
    for address in found:
        if not (address.is_loopback if loopback else is_public(address)):
            raise Refused("not_public")
    if not found:
        raise Refused("name_not_found")
    return list(dict.fromkeys(str(address) for address in found))


def is_public(address: Address) -> bool:
    """Whether this belongs to the public network, and so does whatever IPv4 address it wraps."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in closed for closed in _CLOSED_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:  # what a DNS64 network makes of an IPv4 name
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.sixtofour is not None and not is_public(address.sixtofour):
        return False
    return address in _UNICAST and address.is_global and not any(address in net for net in _CLOSED_V6)


def _refuse_all_but_public(scheme: str, host: str, port: int) -> None:
    if scheme != "https":
        raise Refused("not_https")
    if port != 443:
        raise Refused("port_not_allowed")
    literal = _literal(host)
    if literal is not None:
        if not is_public(literal):
            raise Refused("not_public")
    elif "." not in host or host.endswith(tuple(f".{inner}" for inner in _INNER)):
        raise Refused("not_public")


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _literal_v6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise Refused("invalid_url") from None


def _name(text: str) -> str:
    """The name in its ASCII form. What ends in a number is an IPv4 address in its one plain spelling, or nothing.

    Resolvers read `2130706433`, `0x7f.1` and `0177.0.0.1` as addresses.
    """
    try:
        name = text.encode("idna").decode().lower()
    except UnicodeError:
        raise Refused("invalid_url") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("invalid_url")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]) and not isinstance(_literal(name), IPv4Address):
        raise Refused("invalid_url")
    return name

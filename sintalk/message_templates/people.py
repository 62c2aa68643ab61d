"""A content tried on the real people of a list: whose message is the shortest and whose the longest, how many
are left out and why, and what all of them would cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sintalk.billing import service as billing
from sintalk.contacts import phones
from sintalk.contacts import service as contacts
from sintalk.message_templates import voice
from sintalk.message_templates.content import Rendered, contact_values, prepare

#: People read at the most: this is asked again while somebody writes. Beyond it the figures are projected.
READ_AT_MOST = 2_000
OTHERS = 3
COLUMNS = 20


@dataclass(frozen=True)
class Person:
    """Somebody of the list with what they would get; `values` by folded name."""

    id: UUID
    name: str
    values: dict[str, str]
    rendered: Rendered


@dataclass
class Bill:
    """What a content costs for all that it reaches; `parts` are SMS parts, or messages. Money in micro-units."""

    people: int = 0
    parts: int = 0
    micros: int = 0

    def scaled(self, total: int, read: int) -> Bill:
        """The same for `total` people, where `read` of them were looked at."""
        return Bill(self.people * total // read, self.parts * total // read, self.micros * total // read)


@dataclass
class Tried:
    """`plain` is the bill without accents (SMS only). `exact` is false where the figures are projected."""

    list_name: str
    total: int
    bill: Bill = field(default_factory=Bill)
    plain: Bill = field(default_factory=Bill)
    left_out: Counter[str] = field(default_factory=Counter)
    columns: list[str] = field(default_factory=lambda: ["nome", "telefone", "email"])
    shortest: Person | None = None
    longest: Person | None = None
    others: list[Person] = field(default_factory=list)
    exact: bool = True

    @property
    def shown(self) -> list[Person]:
        """Those that the phone can show, each once."""
        found = [person for person in (self.shortest, self.longest, *self.others) if person]
        return list({person.id: person for person in found}.values())


def try_on(tenant_id: UUID, list_id: UUID, channel: str, content: Mapping[str, Any]) -> Tried:
    """Read a list as a campaign with this content would. Raises NotFound for the list."""
    found = contacts.get_list(tenant_id, list_id)
    tried = Tried(found.name, found.contact_count)
    reader = _Reader(tried, channel, content, billing.prices(tenant_id))
    read, after = 0, None
    while read < READ_AT_MOST and (page := contacts.audience(tenant_id, list_id, after=after)):
        out = contacts.opted_out_phones(tenant_id, channel, [row.phone for row in page if row.phone])
        for row in page:
            reader.take(row, out)
        read, after = read + len(page), page[-1].id
    if tried.total > read >= READ_AT_MOST:
        tried.exact = False
        tried.bill, tried.plain = tried.bill.scaled(tried.total, read), tried.plain.scaled(tried.total, read)
        tried.left_out = Counter({why: count * tried.total // read for why, count in tried.left_out.items()})
    return tried


class _Reader:
    """Takes one person after the other into the sums."""

    def __init__(
        self, tried: Tried, channel: str, content: Mapping[str, Any], prices: Mapping[str, int]
    ) -> None:
        self.tried, self.channel, self.prices = tried, channel, prices
        self.prepared = prepare(channel, content)
        self.plain = prepare("sms", {**content, "encoding": "gsm7"}) if channel == "sms" else None

    def take(self, row: Any, out: set[str]) -> None:
        _note_columns(self.tried, row.attributes)
        values = contact_values(name=row.name, phone=row.phone, email=row.email, attributes=row.attributes)
        rendered = self.prepared.render(values)
        reason = _unreachable(self.channel, row.phone, out) or rendered.fault
        if reason:
            self.tried.left_out[reason] += 1
            return
        self._add(self.tried.bill, rendered)
        if self.plain is not None:
            self._add(self.tried.plain, self.plain.render(values))
        _keep(self.tried, Person(row.id, row.name, values, rendered))

    def _add(self, bill: Bill, rendered: Rendered) -> None:
        bill.people += 1
        bill.parts += rendered.segments
        bill.micros += self._price(rendered)

    def _price(self, rendered: Rendered) -> int:
        if self.channel == "sms":
            return self.prices["sms"] * rendered.segments
        if self.channel == "rcs":
            return self.prices[f"rcs_{rendered.encoding}"]
        return voice.price(self.prices["voice_minute"], rendered.billed_seconds)


def _note_columns(tried: Tried, attributes: Mapping[str, Any] | None) -> None:
    if attributes and len(tried.columns) < COLUMNS:
        tried.columns += [name for name in attributes if name not in tried.columns]


def _keep(tried: Tried, person: Person) -> None:
    size = (person.rendered.segments, len(person.rendered.text))
    for name, better in (("shortest", -1), ("longest", 1)):
        known: Person | None = getattr(tried, name)
        before = (known.rendered.segments, len(known.rendered.text)) if known else size
        if known is None or (size > before if better > 0 else size < before):
            setattr(tried, name, person)
    if len(tried.others) < OTHERS:
        tried.others.append(person)


def _unreachable(channel: str, phone: str | None, out: set[str]) -> str | None:
    if not phone:
        return "no_phone"
    if phone in out:
        return "opted_out"
    return "not_mobile" if channel != "voice" and phones.is_fixed(phone) else None

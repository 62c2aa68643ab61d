"""Something to play with: money, a list from the sample file, a template for each channel."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from sintalk.accounts.models import User
from sintalk.billing import service as billing
from sintalk.contacts import service as contacts
from sintalk.db import atomic, session
from sintalk.imports import reading
from sintalk.imports.people import Person, Reader
from sintalk.message_templates import service as templates

PLAY_MONEY = 1_000_000_000
SAMPLE = Path(__file__).parent.parent.parent / "static" / "samples" / "contatos-exemplo.csv"


def seed(tenant_id: UUID) -> bool:
    """Give a tenant its samples, once; False where it has had them already."""
    with atomic():
        fresh = billing.top_up(tenant_id, PLAY_MONEY, key="demo", memo=_("Play money of the demo"))
        if fresh:
            _people(tenant_id)
            templates.add_samples(tenant_id, by=_owner(tenant_id).actor())
    return fresh


def _people(tenant_id: UUID) -> None:
    content = [SAMPLE.read_bytes()]
    found = reading.survey("csv", content)
    reader = Reader(reading.columns(found), found.width)
    sample = contacts.create_list(tenant_id, name=_("Sample customers"))
    session().flush()
    for number, cells in reading.rows(content, found):
        person = reader.read(number, cells)
        if isinstance(person, Person):
            contacts.create_contact(
                tenant_id,
                sample.id,
                name=person.name,
                email=person.email,
                phone=person.phone,
                attributes=person.attributes,
            )


def _owner(tenant_id: UUID) -> User:
    return session().scalars(select(User).where(User.tenant_id == tenant_id).order_by(User.id).limit(1)).one()

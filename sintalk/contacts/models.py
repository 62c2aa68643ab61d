from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, column_property, mapped_column

from sintalk.db import Base, Identified, now

CHANNELS = ("sms", "rcs", "voice")

_ACCENTED = "áàâãäåçéèêëíìîïñóòôõöúùûüýÿ"
_PLAIN = "aaaaaaceeeeiiiinooooouuuuyy"
#: What parts words in a name.
_PARTING = ".,;:-_/|()&+"
#: Both sides of SQL's translate(): letters without their accents (unaccent() would need an extension, and is
#: not immutable, so that a computed column could not use it), and blanks for what parts words.
FOLD_FROM = _ACCENTED + _ACCENTED[:-1].upper() + _PARTING
FOLD_TO = _PLAIN + _PLAIN[:-1] + " " * len(_PARTING)
#: Not to_tsvector(): its parser alone takes longer than all the rest of an insert.
_WORDS = (
    "array_to_tsvector(array_remove(string_to_array(lower(translate("
    f"name, '{FOLD_FROM}', '{FOLD_TO}')), ' '), ''))"
)


class ContactList(Identified, Base):
    """People to reach together. `contact_count` is kept by relative updates, never counted.

    `version` rises with every change of its contacts, so that whatever was worked out of them can tell.
    """

    __tablename__ = "contact_lists"
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    contact_count: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    deleted_at: Mapped[datetime | None]


class Contact(Identified, Base):
    """A person in a list. A phone lives once in a list; `attributes` are the variables of templates.

    Nothing refers to contacts by a foreign key (messages outlive them), and each index is paid for a million
    times by an import: so there is no unique (tenant_id, id).
    """

    __tablename__ = "contacts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "contact_list_id"], ["contact_lists.tenant_id", "contact_lists.id"]
        ),
        Index(
            "uq_contacts_contact_list_id_phone",
            "contact_list_id",
            "phone",
            unique=True,
            postgresql_ops={"phone": "text_pattern_ops"},
            postgresql_where=text("deleted_at IS NULL AND phone IS NOT NULL"),
        ),
        Index(
            "ix_contacts_contact_list_id_id",
            "contact_list_id",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_contacts_words",
            "words",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 16_384},  # KB: an import adds to it in bulk
        ),
    )

    tenant_id: Mapped[UUID]
    contact_list_id: Mapped[UUID]
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None] = mapped_column(doc="E.164")
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    deleted_at: Mapped[datetime | None]
    if TYPE_CHECKING:
        opted_out: Mapped[bool]
    words: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(_WORDS, persisted=True),
        deferred=True,
        doc="words of the name, small and without accents: what search finds",
    )


class OptOut(Identified, Base):
    """A number that wants nothing more on a channel, or on any (`channel` is None). It outlives contacts."""

    __tablename__ = "opt_outs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "phone", "channel", postgresql_nulls_not_distinct=True),
        Index("ix_opt_outs_tenant_id_id", "tenant_id", "id"),
        Index("ix_opt_outs_tenant_id_channel_id", "tenant_id", "channel", "id"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    phone: Mapped[str]
    channel: Mapped[str | None]
    source: Mapped[str] = mapped_column(default="api", doc="api, page, import, reply, key")


class ConsentEvent(Identified, Base):
    """A number opted out, or came back: when, by what, in whose name. Only ever added to: the database refuses more.

    The law has the sender prove consent (LGPD, art. 8, §2), so this outlives opt-outs, contacts and lists.
    `words` are what the person wrote, or the key they pressed; `actor_name` is who of the company did it.
    """

    __tablename__ = "consent_events"
    __table_args__ = (
        CheckConstraint("kind IN ('opted_out', 'opted_in')", name="kind"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
        Index("ix_consent_events_tenant_id_id", "tenant_id", "id"),
        Index("ix_consent_events_tenant_id_phone_id", "tenant_id", "phone", "id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    phone: Mapped[str]
    channel: Mapped[str | None]
    kind: Mapped[str]
    source: Mapped[str] = mapped_column(doc="as of OptOut")
    words: Mapped[str | None]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str | None]


class ReplyWords(Base):
    """The words of a tenant that opt out and back in, and what is answered to them; no row: the usual ones."""

    __tablename__ = "reply_words"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    out_words: Mapped[list[str]] = mapped_column(JSONB)
    back_words: Mapped[list[str]] = mapped_column(JSONB)
    out_reply: Mapped[str | None]
    back_reply: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class ListUse(Base):
    """Something that works on a list right now (an import, a campaign): until it ends the list stays."""

    __tablename__ = "list_uses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "contact_list_id"], ["contact_lists.tenant_id", "contact_lists.id"]
        ),
    )

    contact_list_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    ref: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=now)


Index(
    "ix_contacts_contact_list_id_email",
    Contact.contact_list_id,
    func.lower(Contact.email).label("address"),
    postgresql_ops={"address": "text_pattern_ops"},
    postgresql_where=text("deleted_at IS NULL AND email IS NOT NULL"),
)

#: The number opted out of some channel; asked anew with every loading.
#: Not EXISTS: the planner may answer that one for a page by reading all opt-outs there are into a hash.
Contact.opted_out = column_property(
    select(OptOut.id)
    .where(OptOut.tenant_id == Contact.tenant_id, OptOut.phone == Contact.phone)
    .limit(1)
    .correlate_except(OptOut)
    .scalar_subquery()
    .is_not(None)
)

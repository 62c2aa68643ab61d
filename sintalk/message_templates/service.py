"""The verbs about templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from sintalk.accounts.service import record
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, Detail, Invalid
from sintalk.files import service as files
from sintalk.message_templates import content, sms, voice
from sintalk.message_templates.content import Prepared
from sintalk.message_templates.models import Template
from sintalk.message_templates.samples import SAMPLES, VALUES
from sintalk.message_templates.schemas import Preview, TemplateIn
from sintalk.tenancy import Actor, owned

NAME_LIMIT = 200
#: Prepared templates that a process keeps.
READY_AT_MOST = 1_000


@dataclass(frozen=True)
class Ready:
    """A template prepared to be rendered; `version` is the time of its last change."""

    id: UUID
    channel: str
    prepared: Prepared
    version: datetime


_ready: dict[UUID, Ready] = {}
#: Who may need a template, by name: each says whether it does (tenant, template). They stand above this slice.
holders: dict[str, Callable[[UUID, UUID], bool]] = {}


def create(tenant_id: UUID, given: TemplateIn, *, by: Actor) -> Template:
    """A new template of checked content. Raises 422 for an unknown file, 409 `file_not_confirmed`."""
    kept = _to_keep(tenant_id, given)
    with atomic() as current:
        template = Template(tenant_id=tenant_id, name=given.name, channel=given.channel)
        _fill(template, kept)
        current.add(template)
        record(by, "template.created", template.id, channel=template.channel)
    return template


def get(tenant_id: UUID, template_id: UUID) -> Template:
    """The tenant's template. Raises NotFound."""
    return owned(Template, tenant_id, template_id)


def ready(tenant_id: UUID, template_id: UUID, version: datetime) -> Ready:
    """The template, prepared to be rendered; `version` is its row's `updated_at` as it stands now.

    Each process keeps what it prepared, under that time.
    """
    kept = _ready.get(template_id)
    if kept is None or kept.version != version:
        template = get(tenant_id, template_id)
        session().refresh(template)
        prepared = content.prepare(template.channel, template.content)
        kept = Ready(template.id, template.channel, prepared, template.updated_at)
        if len(_ready) >= READY_AT_MOST:
            _ready.clear()
        _ready[template_id] = kept
    return kept


def templates_of(tenant_id: UUID, *, channel: str | None = None, search: str = "") -> Select[Any]:
    """The tenant's templates, of one channel, with these letters in their name; to be paged."""
    rows = select(Template).where(Template.tenant_id == tenant_id, Template.deleted_at.is_(None))
    if channel:
        rows = rows.where(Template.channel == channel)
    if search:
        rows = rows.where(Template.name.icontains(search, autoescape=True))
    return rows


def placeholders_in_use(tenant_id: UUID) -> list[str]:
    """The contact's own names, and those that the tenant's latest templates use; to be inserted by a click."""
    latest = (
        templates_of(tenant_id).with_only_columns(Template.variables).order_by(Template.id.desc()).limit(50)
    )
    names = {content.fold(name): name for name in ("nome", "telefone", "email")}
    for variables in session().scalars(latest):
        for name in variables:
            names.setdefault(content.fold(name), name)
    return list(names.values())[:12]


def update(tenant_id: UUID, template_id: UUID, given: TemplateIn, *, by: Actor) -> Template:
    """Give a template another name and content. Raises NotFound, 422 for another channel or an unknown file."""
    kept = _to_keep(tenant_id, given)
    with atomic():
        template = owned(Template, tenant_id, template_id, lock=True)
        if given.channel != template.channel:
            sentence = _l("A template keeps its channel; make a new one for another.")
            raise Invalid(Detail("channel", "not_allowed", sentence))
        template.name = given.name
        _fill(template, kept)
        record(by, "template.updated", template.id)
    return template


def delete(tenant_id: UUID, template_id: UUID, *, by: Actor) -> Template:
    """Take a template away. Raises NotFound, 409 `template_in_use` while an open campaign needs it."""
    with atomic():
        template = owned(Template, tenant_id, template_id, lock=True)
        if any(needs(tenant_id, template_id) for needs in holders.values()):
            sentence = _l("A campaign on its way uses this template. Wait for its end, or cancel it.")
            raise Conflict("template_in_use", sentence)
        template.deleted_at = now()
        record(by, "template.deleted", template.id)
    return template


def duplicate(tenant_id: UUID, template_id: UUID, *, by: Actor) -> Template:
    """A copy to be changed. Raises NotFound."""
    with atomic() as current:
        original = owned(Template, tenant_id, template_id)
        name = _("%(name)s (copy)", name=original.name)[:NAME_LIMIT]
        copy = Template(tenant_id=tenant_id, name=name, channel=original.channel)
        _fill(copy, original.content)
        current.add(copy)
        record(by, "template.created", copy.id, channel=copy.channel, copy_of=str(original.id))
    return copy


def add_samples(tenant_id: UUID, *, by: Actor) -> list[Template]:
    """A template for each channel, to try things with."""
    with atomic():
        return [create(tenant_id, TemplateIn.model_validate(sample), by=by) for sample in SAMPLES]


def preview(channel: str, kept: Mapping[str, Any], variables: Mapping[str, str]) -> Preview:
    """What a person with these values would get of this content."""
    prepared = content.prepare(channel, kept)
    values = content.contact_values(name=None, phone=None, email=None, attributes=variables)
    rendered = prepared.render(values)
    shown = Preview(text=rendered.text, missing=rendered.missing, fault=rendered.fault)
    if channel == "sms":
        shown.encoding, shown.segments = rendered.encoding, rendered.segments
        shown.characters = len(rendered.text)
        shown.ucs2_letters = sms.outside_gsm(rendered.text)
    else:
        shown.content = rendered.content
    if channel == "rcs":
        shown.billing_class = rendered.encoding
    if channel == "voice":
        call = voice.length(rendered.content)
        shown.spoken_seconds = ceil(call.spoken_ms / 1000)
        shown.billed_seconds, shown.most_billed_seconds = call.billed, call.most_billed
    return shown


def counting_tables() -> dict[str, Any]:
    """What the editors' scripts count with: one truth, on the server."""
    return {
        "basic": sms.BASIC,
        "extension": sms.EXTENSION,
        "room": sms.ROOM,
        "maxParts": sms.MAX_PARTS,
        "replacements": sms.REPLACEMENTS,
        "values": VALUES,
    }


def made_up(kept: Mapping[str, Any]) -> dict[str, str]:
    """The values of the made-up person; one that nobody has is its own name."""
    return {**{name: name for name in content.required(kept)}, **VALUES}


def sample(channel: str, kept: Mapping[str, Any]) -> Preview:
    """What a made-up person would get."""
    return preview(channel, kept, made_up(kept))


def _to_keep(tenant_id: UUID, given: TemplateIn) -> dict[str, Any]:
    """The content as it is kept; of audio, with the length of its confirmed file."""
    kept = given.content()
    if given.voice is None:
        return kept
    kept.pop("duration_ms", None)
    if given.voice.file_id is None:
        return kept
    try:
        audio = files.confirmed(tenant_id, given.voice.file_id, kinds=("audio",))
    except Invalid as error:
        raise Invalid(*[replace(fault, field=f"voice.{fault.field}") for fault in error.details]) from None
    return {**kept, "duration_ms": audio.duration_ms}


def _fill(template: Template, kept: dict[str, Any]) -> None:
    template.content = kept
    template.variables = content.variables(kept)

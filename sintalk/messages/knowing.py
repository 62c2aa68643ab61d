"""What a request for single sends goes by: its key, the template, the prices, who opted out.

A process remembers template and prices, and small requests go by that, presuming that nobody opted out. The very
statement that writes them makes sure of it (`HOLDS`): where anything is different now, the key has been revoked
say, it writes nothing, and the request looks at everything itself. So nothing that has changed is acted upon, and
what has not changed is not asked for again with every request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l

from sintalk.auth.models import USABLE
from sintalk.billing.models import DEFAULT_PRICES
from sintalk.db import straight
from sintalk.errors import Detail, Invalid, Unauthorized, unknown_reference
from sintalk.message_templates import service as templates
from sintalk.message_templates.service import Ready
from sintalk.tenancy import Actor

#: Templates that a process remembers.
REMEMBERED_AT_MOST = 1_000

#: These tables are other slices', read here and never written.
PRICES = "coalesce((SELECT jsonb_object_agg(unit, micros) FROM prices WHERE tenant_id = %(tenant_id)s), '{}')"
OPTED_OUT = """
    SELECT phone FROM opt_outs
     WHERE tenant_id = %(tenant_id)s AND phone = ANY(CAST(%(phones)s AS text[]))
       AND (channel IS NULL OR channel = %(channel)s)
"""
#: All that is to be known, in one go.
LOOK = f"""
    SELECT CAST(%(key_id)s AS uuid) IS NULL
           OR EXISTS (SELECT FROM api_keys WHERE id = %(key_id)s AND {USABLE}) AS welcome,
           (SELECT updated_at FROM templates
             WHERE tenant_id = %(tenant_id)s AND id = %(template_id)s AND deleted_at IS NULL) AS version,
           {PRICES} AS prices, ARRAY({OPTED_OUT}) AS opted_out
"""  # noqa: S608 - our own words
#: Whether what `to_make_sure_of` names is still so.
HOLDS = f"""
    (SELECT count(*) FROM api_keys WHERE id = ANY(CAST(%(keys)s AS uuid[])) AND {USABLE})
      = cardinality(CAST(%(keys)s AS uuid[]))
    AND (SELECT count(*) FROM templates
          WHERE tenant_id = %(tenant_id)s AND deleted_at IS NULL AND (id, updated_at) IN (
                SELECT * FROM unnest(CAST(%(templates)s AS uuid[]), CAST(%(versions)s AS timestamptz[]))))
      = cardinality(CAST(%(templates)s AS uuid[]))
    AND {PRICES} = ALL(CAST(%(prices)s AS jsonb[]))
    AND NOT EXISTS ({OPTED_OUT})
"""  # noqa: S608 - our own words


class Changed(Exception):
    """What was remembered is so no more; nothing was written."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a request goes by. `own_prices` are those that differ from the usual ones, in micro-units by unit; `out`
    are the numbers that opted out. `remembered`: nobody looked for this request, so whoever writes it makes sure.
    """

    key_id: UUID | None
    template: Ready
    own_prices: dict[str, int]
    out: frozenset[str]
    remembered: bool

    @property
    def prices(self) -> dict[str, int]:
        return {**DEFAULT_PRICES, **self.own_prices}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for which template on which channel."""

    tenant_id: UUID
    channel: str
    template_id: UUID
    key_id: UUID | None

    @classmethod
    def by(cls, actor: Actor, tenant_id: UUID, channel: str, template_id: UUID) -> Asked:
        return cls(tenant_id, channel, template_id, actor.id if actor.kind == "api_key" else None)


_remembered: dict[tuple[UUID, str, UUID], tuple[Ready, dict[str, int]]] = {}


def recall(asked: Asked) -> Known | None:
    """What this process knows from an earlier request, if there was one."""
    kept = _remembered.get((asked.tenant_id, asked.channel, asked.template_id))
    return Known(asked.key_id, *kept, frozenset(), remembered=True) if kept else None


def look(asked: Asked, phones: Sequence[str]) -> Known:
    """What is so now. Raises 401 for a key that stands no more, 422 for an unknown template or one of another
    channel."""
    found = straight(
        LOOK,
        {
            "key_id": asked.key_id,
            "tenant_id": asked.tenant_id,
            "template_id": asked.template_id,
            "channel": asked.channel,
            "phones": list(phones),
        },
    )
    if not found.welcome:
        raise Unauthorized
    if found.version is None:
        raise unknown_reference("template_id", _l("There is no such template."))
    template = templates.ready(asked.tenant_id, asked.template_id, found.version)
    if template.channel != asked.channel:
        raise Invalid(Detail("template_id", "wrong_channel", _l("This template is for another channel.")))
    if len(_remembered) >= REMEMBERED_AT_MOST:
        _remembered.clear()
    _remembered[asked.tenant_id, asked.channel, asked.template_id] = (template, found.prices)
    return Known(asked.key_id, template, found.prices, frozenset(found.opted_out), remembered=False)


def to_make_sure_of(remembered: Iterable[Known], phones: Sequence[str]) -> dict[str, Any]:
    """The values of `HOLDS`, besides tenant and channel: none of these `phones` may have opted out."""
    known = list(remembered)
    versions = list({(each.template.id, each.template.version) for each in known})
    return {
        "keys": list({each.key_id for each in known if each.key_id}),
        "templates": [id_ for id_, _ in versions],
        "versions": [version for _, version in versions],
        "prices": list({json.dumps(each.own_prices, sort_keys=True) for each in known}),
        "phones": list(phones),
    }

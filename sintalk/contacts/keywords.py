"""Words that people answer to hear no more, or to hear again, and what they are told then.

A word counts as a whole message only, whatever its case, accents, spaces and punctuation: "Sair!", "S A I R" and
"PARÉ" do, "vou sair mais tarde" does not. SAIR is the word that Brazil's carriers had to introduce; the others are
what people write besides. A word takes the number off all channels: whoever writes SAIR means the company, and
SMS and RCS are one inbox on their phone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from sintalk.accounts import service as accounts
from sintalk.accounts.models import Tenant
from sintalk.contacts.models import ReplyWords
from sintalk.db import atomic, now, session
from sintalk.errors import Forbidden
from sintalk.tenancy import Actor

OUT = ("SAIR", "PARE", "PARAR", "STOP", "CANCELAR", "DESCADASTRAR", "REMOVER")
BACK = ("VOLTAR", "INICIAR", "START")
#: A longer message is no word, and is not looked at.
LONGEST = 100


@dataclass(frozen=True)
class Words:
    """What a tenant listens for, and what it answers; None: nothing is answered."""

    out_words: Sequence[str]
    back_words: Sequence[str]
    out_reply: str | None
    back_reply: str | None

    def meaning(self, written: str) -> str | None:
        """`opted_out`, `opted_in`, or None where the message is none of the words."""
        word = folded(written)
        if not word:
            return None
        if word in map(folded, self.out_words):
            return "opted_out"
        return "opted_in" if word in map(folded, self.back_words) else None

    def reply(self, kind: str) -> str | None:
        """What is answered to a word that meant this."""
        return self.out_reply if kind == "opted_out" else self.back_reply


def folded(written: str) -> str:
    """The letters and digits of a short message, small and without accents; "" of a long one.

    >>> folded("  S.A.I.R! 🙏")
    'sair'
    """
    if len(written) > LONGEST:
        return ""
    plain = unicodedata.normalize("NFKD", written).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def words_of(tenant_ids: Iterable[UUID]) -> Mapping[UUID, Words]:
    """What these tenants listen for."""
    ids = set(tenant_ids)
    set_ones = select(ReplyWords).where(ReplyWords.tenant_id.in_(ids))
    fresh = set_ones.execution_options(populate_existing=True)
    own = {row.tenant_id: row for row in session().scalars(fresh)}
    locales = dict(session().execute(select(Tenant.id, Tenant.locale).where(Tenant.id.in_(ids))).all())
    return {
        id_: Words(row.out_words, row.back_words, row.out_reply, row.back_reply)
        if (row := own.get(id_))
        else usual(locale)
        for id_, locale in locales.items()
    }


def usual(locale: str) -> Words:
    """The words and answers of a tenant that has set none."""
    with force_locale(locale):
        out = _(
            "You will get no more messages from us. To hear from us again, answer %(word)s.", word=BACK[0]
        )
        back = _("You will hear from us again. To stop that, answer %(word)s.", word=OUT[0])
    return Words(OUT, BACK, out, back)


def set_words(tenant_id: UUID, words: Words, *, by: Actor) -> Words:
    """Listen for these from now on. For admins: Forbidden for others. What is said is checked by the schema."""
    if not by.admin:
        raise Forbidden
    values = {
        "out_words": list(words.out_words),
        "back_words": list(words.back_words),
        "out_reply": words.out_reply,
        "back_reply": words.back_reply,
        "updated_at": now(),
    }
    with atomic() as current:
        current.execute(
            upsert(ReplyWords)
            .values(tenant_id=tenant_id, **values)
            .on_conflict_do_update(index_elements=["tenant_id"], set_=values)
        )
        heard = {"out_words": values["out_words"], "back_words": values["back_words"]}
        accounts.record(by, "reply_words.updated", tenant_id, **heard)
    return words

"""The settings page of the words that opt out and back in."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.auth.guards import admin_only
from sintalk.contacts import keywords
from sintalk.contacts.forms import ReplyWordsForm
from sintalk.errors import Invalid
from sintalk.web.forms import show_faults

bp = Blueprint("reply_words", __name__, url_prefix="/settings/reply-words")


@bp.get("")
@admin_only
def show() -> ResponseReturnValue:
    """What is listened for, and answered."""
    form = ReplyWordsForm.of(keywords.words_of([g.actor.tenant_id])[g.actor.tenant_id])
    return render_template("contacts/reply_words.html", form=form)


@bp.post("")
@admin_only
def save() -> ResponseReturnValue:
    """Listen for these from now on, or say at its field what is wrong."""
    form = ReplyWordsForm()
    try:
        wish = form.checked()
    except Invalid as error:
        show_faults(form, error, fields={fault.field: fault.field.split("[")[0] for fault in error.details})
        return render_template("contacts/reply_words.html", form=form), 422
    words = keywords.Words(wish.out_words, wish.back_words, wish.out_reply, wish.back_reply)
    keywords.set_words(g.actor.tenant_id, words, by=g.actor)
    flash(_("The settings are saved."), "success")
    return redirect(url_for(".show"), 303)

"""The RCS editor's page from what is typed: its phone, its price, its faults in people's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g, render_template, request
from flask_babel import gettext as _

from sintalk.message_templates import preview, rcs, rcs_typed, service, trial
from sintalk.message_templates.faults import Faults
from sintalk.message_templates.models import Template
from sintalk.message_templates.rcs_typed import Typed
from sintalk.message_templates.samples import VALUES
from sintalk.message_templates.schemas import TemplateIn
from sintalk.web import i18n
from sintalk.web.security import with_pictures
from sintalk.web.validation import check

#: What the browser offers to upload: cards hold no documents (PDF in cards: India only, Google).
MEDIA_TYPES = {
    "card": "image/jpeg,image/png,image/gif,video/mp4,video/webm",
    "file": "image/jpeg,image/png,image/gif,video/mp4,video/webm,application/pdf",
}


class RcsForm:
    """What is typed in the editor: the template's name and the tree of its fields."""

    def __init__(self, name: str, typed: Typed) -> None:
        self.name, self.typed = name, typed

    @classmethod
    def sent(cls, taken: Sequence[tuple[str, str]] = ()) -> RcsForm:
        """What the browser sent; `taken`: controls and addresses of files that came with it."""
        pairs = [*request.form.items(multi=True), *taken]
        return cls(request.form.get("name", "").replace("\x00", ""), rcs_typed.read(pairs))

    @classmethod
    def of(cls, template: Template) -> RcsForm:
        """The editor as it stands for this template."""
        return cls(template.name, rcs_typed.of_content(template.content, zone()))

    @property
    def content(self) -> dict[str, Any]:
        """The content as the contract would get it."""
        return rcs_typed.content(self.typed, zone())

    def checked(self) -> TemplateIn:
        """The template as the contract takes it. Raises Invalid with all faults."""
        return check(TemplateIn, {"name": self.name, "channel": "rcs", "rcs": self.content})

    def after(self, deed: str) -> RcsForm:
        """The form after one of its buttons, where no script does it."""
        return RcsForm(self.name, rcs_typed.act(self.typed, deed))


def zone() -> ZoneInfo:
    """The tenant's clock, by which times are typed."""
    return ZoneInfo(i18n.timezone())


def page(
    form: RcsForm, template: Template | None = None, *, bad: Faults | None = None, deed: str = ""
) -> Response:
    """The editor. `deed` is what a button of the form has just done, such as `add:rcs.suggestions`: what it has
    changed stands open and has the focus.

    Its phone shows pictures from wherever they lie.
    """
    return with_pictures(_drawn(form, template, bad or Faults(), deed))


def _drawn(form: RcsForm, template: Template | None, bad: Faults, deed: str) -> str:
    content = form.content
    tried = trial.of_request("rcs", content)
    values = tried["values"]
    shown = service.preview("rcs", content, values) if values else service.sample("rcs", content)
    return render_template(
        "message_templates/rcs_editor.html",
        name=form.name,
        it=whole(form.typed),
        template=template,
        bad=bad,
        deed=deed.partition(":")[0],
        fresh=rcs_typed.changed(form.typed, deed),
        model=preview.phone(shown.content or {}),
        why=rcs.billing(shown.content or {}),
        placeholders=service.placeholders_in_use(g.actor.tenant_id),
        media_types=MEDIA_TYPES,
        script=for_script(),
        lists=trial.lists(),
        **tried,
    )


def whole(typed: Typed) -> Typed:
    """What is typed, with the parts that the page draws even where nothing is typed in them."""
    made = {**rcs_typed.EMPTY, **typed}
    made["carousel"] = {"cards": [], **made["carousel"]}
    return made


def for_script() -> dict[str, Any]:
    """What the editor's script needs to know: one truth, on the server."""
    return {
        "values": VALUES,
        "chipFields": rcs_typed.CHIP_FIELDS,
        "chipIcons": preview.CHIP_ICONS,
        "mediaKinds": preview.MEDIA_KINDS,
        "mediaIcons": preview.MEDIA_ICONS,
        "basicBytes": rcs.BASIC_BYTES,
        "sms": service.counting_tables(),
        "words": {
            "basic": _("Basic"),
            "single": _("Single"),
            "rich": _("It is more than plain text."),
            "suggestions": _("Buttons make it a single message."),
            "bytes": _("{n} of 160 bytes; a letter with an accent takes two, an emoji four."),
            "smsSize": _("{units} characters, {parts} SMS"),
            "added": _("Added at place {n}."),
            "removed": _("Removed. {n} are left."),
            "gone": _("It is removed."),
            "goneNamed": _("“{title}” is removed."),
            "restored": _("Back at place {n}."),
            "copied": _("Duplicated at place {n}."),
            "moved": _("Now at place {n} of {all}."),
            "first": _("This is the first place already."),
            "last": _("This is the last place already."),
            "full": _("No more than {n} here."),
            "few": _("At least {n} must stay."),
            "uploading": _("Sending"),
            "uploaded": _("Uploaded"),
            "uploadFailed": _("That did not work. Check your connection and try again."),
            "uploadLarge": _("Large: carriers often stop at 2 MB for pictures and 5 MB for films."),
        },
    }


def where(path: str) -> str:
    """`rcs.carousel.cards[2].suggestions[0].text` -> "Card 3 · Button 1 · Words on it"."""
    words = []
    if card := re.search(r"cards\[(\d+)\]", path):
        words.append(_("Card %(number)s", number=int(card[1]) + 1))
    chip = re.search(r"suggestions\[(\d+)\]", path)
    if chip:
        words.append(_("Button %(number)s", number=int(chip[1]) + 1))
    last = path.rpartition(".")[2]
    labels = {**_labels(), **(_chip_labels() if chip else {})}
    if not last.endswith("]"):
        words.append(labels.get(last, _("Message")))
    return " · ".join(words)


def _labels() -> dict[str, str]:
    return {
        "name": _("Name of the template"),
        "text": _("Text of the SMS"),
        "title": _("Title"),
        "description": _("Description"),
        "file_url": _("Address of the file"),
        "thumbnail_url": _("Address of the small picture"),
        "height": _("Height of the picture"),
        "thumbnail_alignment": _("Side of the picture"),
        "ttl_seconds": _("Try for"),
        "after_seconds": _("Send it after"),
        "cards": _("Cards"),
        "card": _("Card"),
        "suggestions": _("Buttons under the message"),
    }


def _chip_labels() -> dict[str, str]:
    return {
        "text": _("Words on it"),
        "url": _("Address of the page"),
        "phone": _("Number to call"),
        "latitude": _("Latitude"),
        "longitude": _("Longitude"),
        "label": _("Name of the place"),
        "title": _("Title of the event"),
        "start_time": _("Begins"),
        "end_time": _("Ends"),
        "description": _("Description of the event"),
        "postback_data": _("What comes back when it is tapped"),
    }

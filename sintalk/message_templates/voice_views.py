"""The pages of voice templates: the editor with its phone, and listening to a text."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.errors import DomainError, Invalid, NotFound
from sintalk.files import recordings
from sintalk.files import service as files
from sintalk.files.models import File
from sintalk.message_templates import samples, service, trial, voice, voice_speech
from sintalk.message_templates.models import Template
from sintalk.message_templates.voice_forms import ACTIONS, KEYS, VoiceForm
from sintalk.web.security import PERMISSIONS

bp = Blueprint("voice_templates", __name__, url_prefix="/templates/voice")

#: The voice editor alone may ask for the microphone.
_MICROPHONE = PERMISSIONS.replace("microphone=()", "microphone=(self)")


@bp.get("/new")
def new() -> ResponseReturnValue:
    """An empty editor, or one with a sample in it."""
    sample = next(each for each in samples.SAMPLES if each["channel"] == "voice")
    wanted = "sample" in request.args
    form = (
        VoiceForm.filled(sample["name"], sample["voice"]) if wanted else VoiceForm(formdata=None, digits=[])
    )
    return _editor(form)


@bp.get("")
def again() -> ResponseReturnValue:
    """The address that a form was sent to, opened by itself: the empty editor, which offers the draft."""
    return redirect(url_for(".new"), 303)


@bp.post("")
def create() -> ResponseReturnValue:
    """Keep a new template, or only show it."""
    return _save(VoiceForm(), None)


@bp.get("/<uuid:template_id>")
def show(template_id: UUID) -> ResponseReturnValue:
    """The editor with this template."""
    template = _of_voice(template_id)
    return _editor(VoiceForm.of(template), template)


@bp.post("/<uuid:template_id>")
def update(template_id: UUID) -> ResponseReturnValue:
    """Keep the changes, or only show them."""
    return _save(VoiceForm(), _of_voice(template_id))


@bp.post("/people")
def people() -> ResponseReturnValue:
    """What is written, tried on the people of the chosen list: the fragment below the phone."""
    content = _measurable(VoiceForm())
    return render_template("message_templates/_people.html", **trial.of_request("voice", content))


@bp.post("/listen")
def listen() -> ResponseReturnValue:
    """The text of the form read aloud, with made-up values in its gaps: an MP3."""
    form = VoiceForm()
    speech = form.speech()
    text = service.sample("voice", {"source": "tts", "tts": speech}).text[: voice.TEXT_LIMIT]
    try:
        sound = voice_speech.synthesise(text or "…", voice=speech["voice"], rate=speech["rate"])
    except DomainError as error:
        return {"error": str(error.message)}, error.status
    return Response(sound, mimetype="audio/mpeg", headers={"Cache-Control": "no-store"})


def _save(form: VoiceForm, template: Template | None) -> ResponseReturnValue:
    try:
        _take_file(form)
        if request.form.keys() & {"preview", "more", "drop"}:
            return _editor(form, template)
        saved = _keep(form, template)
    except Invalid as error:
        form.show(error)
        return _editor(form, template, 422)
    except DomainError as error:
        form.file.errors = [str(error.message)]
        return _editor(form, template, error.status)
    flash(_("The template “%(name)s” is saved.", name=saved.name), "success")
    return redirect(url_for("message_templates.index"), 303)


def _keep(form: VoiceForm, template: Template | None) -> Template:
    if template is None:
        return service.create(g.actor.tenant_id, form.checked(), by=g.actor)
    return service.update(g.actor.tenant_id, template.id, form.checked(), by=g.actor)


def _take_file(form: VoiceForm) -> None:
    """Without script the audio comes in the form: it is kept at once, so that nobody has to choose it again."""
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        form.file_id.data = str(
            recordings.take(g.actor.tenant_id, filename=sent.filename[-255:], body=sent.stream).id
        )
        form.source.data = "audio"


def _of_voice(template_id: UUID) -> Template:
    template = service.get(g.actor.tenant_id, template_id)
    if template.channel != "voice":
        raise NotFound
    return template


def _editor(form: VoiceForm, template: Template | None = None, status: int = 200) -> ResponseReturnValue:
    audio, content = _audio(form.file_id.data), _measurable(form)
    tried = trial.of_request("voice", content)
    values = tried["values"]
    shown = service.preview("voice", content, values) if values else service.sample("voice", content)
    rate = tried["prices"]["voice_minute"]
    call = voice.length(shown.content or content)
    page = render_template(
        "message_templates/voice_editor.html",
        form=form,
        template=template,
        audio=audio,
        call=call if audio or content["source"] == "tts" else None,
        once=voice.price(rate, call.billed),
        most=voice.price(rate, call.most_billed),
        said=shown.text,
        spare=1 + request.form.get("more", 0, type=int),
        keys=KEYS,
        actions=ACTIONS,
        can_speak=voice_speech.engine() is not None,
        speech_package=voice_speech.PACKAGE,
        limit=files.LIMITS["audio"],
        counting=_counting(rate),
        placeholders=service.placeholders_in_use(g.actor.tenant_id),
        lists=trial.lists(),
        **tried,
    )
    response = make_response(page, status)
    response.headers["Permissions-Policy"] = _MICROPHONE
    return response


def _audio(file_id: Any) -> File | None:
    """The confirmed audio that the form names, if it is there and ours."""
    try:
        return files.confirmed(g.actor.tenant_id, UUID(str(file_id)), kinds=("audio",))
    except (ValueError, DomainError):
        return None


def _measurable(form: VoiceForm) -> dict[str, Any]:
    """A content as it is typed, numbers that are missing left to their defaults, so that it can be measured."""
    content, audio = form.content(), _audio(form.file_id.data)
    keys = {name: value for name, value in (content.get("dtmf") or {}).items() if value is not None}
    return {**content, "dtmf": keys, "duration_ms": audio.duration_ms if audio else None}


def _counting(rate: int) -> dict[str, Any]:
    """What the editor's script counts with: one truth, on the server."""
    return {
        "free": voice.FREE,
        "least": voice.LEAST,
        "step": voice.STEP,
        "charactersASecond": voice.CHARACTERS_A_SECOND,
        "charactersADigit": voice.CHARACTERS_A_DIGIT,
        "longestMs": voice.LONGEST_MS,
        "textLimit": voice.TEXT_LIMIT,
        "rateMicros": rate,
        "values": samples.VALUES,
    }

"""The voice editor without scripts, and what it listens to."""

from __future__ import annotations

import html
import io
import re
import shutil

import pytest

from sintalk.contacts import service as contacts
from sintalk.db import session
from sintalk.files import audio, recordings, sniff
from sintalk.files import service as files
from sintalk.message_templates import service, voice, voice_speech
from sintalk.message_templates.models import Template
from sintalk.message_templates.schemas import TemplateIn
from tests import factories
from tests.files import sounds
from tests.message_templates.template_contents import sms
from tests.message_templates.template_contents import voice as voice_template

TYPED = {
    "name": "Lembrete",
    "source": "tts",
    "text": "Olá {{nome}},\r\nsua consulta é amanhã.",
    "voice": "pt-br",
    "rate": "1.2",
    "key": ["1", "9", ""],
    "label": ["Confirma", "Não quer mais", ""],
    "effect": ["record", "opt_out", "record"],
    "timeout_s": "6",
    "repeat": "2",
    "amd": "hangup",
    "ring_timeout_s": "25",
    "max_attempts": "2",
    "retry_minutes": "10",
    "retry_on": ["busy"],
    "caller_id": "+551140041234",
}
speaks = pytest.mark.skipif(not voice_speech.engine(), reason="no speech engine: apt-get install espeak-ng")


def page_of(answer) -> str:
    return html.unescape(answer.get_data(as_text=True))


@pytest.fixture(scope="module")
def mp3():
    return sounds.make("cbr.mp3", 12.34)


@pytest.fixture
def kept(alice, mp3):
    """An audio file of Alice's."""
    return recordings.take(alice.tenant_id, filename="oi.mp3", body=io.BytesIO(mp3))


def test_a_call_is_written_and_kept_with_everything_that_was_chosen(signed_in):
    assert signed_in.post("/templates/voice", data=TYPED).status_code == 303
    assert session().query(Template).one().content == {
        "source": "tts",
        "tts": {"text": "Olá {{nome}},\nsua consulta é amanhã.", "voice": "pt-br", "rate": 1.2},
        "dtmf": {
            "digits": [
                {"key": "1", "label": "Confirma", "action": "record"},
                {"key": "9", "label": "Não quer mais", "action": "opt_out"},
            ],
            "timeout_s": 6,
            "repeat": 2,
        },
        "amd": "hangup",
        "ring_timeout_s": 25,
        "max_attempts": 2,
        "retry_interval_s": 600,
        "retry_on": ["busy"],
        "caller_id": "+551140041234",
    }


def test_the_editor_shows_what_was_kept_and_keeps_what_was_changed(signed_in, alice):
    signed_in.post("/templates/voice", data=TYPED)
    made = session().query(Template).one()
    path = f"/templates/voice/{made.id}"
    assert signed_in.get(f"/templates/{made.id}").location.endswith(path)
    page = page_of(signed_in.get(path))
    for words in ("sua consulta é amanhã.</textarea>", 'value="Não quer mais"', 'value="+551140041234"'):
        assert words in page
    assert signed_in.post(path, data={**TYPED, "key": [], "label": [], "effect": []}).status_code == 303
    session().expire_all()
    assert "dtmf" not in service.get(alice.tenant_id, made.id).content


def test_a_file_in_the_form_is_taken_measured_and_shown_on_the_phone(signed_in, alice, mp3):
    form = {**TYPED, "source": "audio", "file": (io.BytesIO(mp3), "oi.mp3")}
    page = page_of(signed_in.post("/templates/voice", data={**form, "preview": "1"}))
    assert session().query(Template).count() == 0
    file = session().scalars(files.files_of(alice.tenant_id)).one()
    assert f'src="/files/{file.id}/audio"' in page
    assert "0:12" in page and "oi.mp3" in page
    saved = signed_in.post("/templates/voice", data={**TYPED, "source": "audio", "file_id": str(file.id)})
    assert saved.status_code == 303
    content = session().query(Template).one().content
    assert (content["file_id"], content["duration_ms"]) == (str(file.id), file.duration_ms)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": "audio"}, "file-error"),
        ({"source": "audio", "file_id": "no id"}, "file-error"),
        ({"text": ""}, "text-error"),
        ({"text": "{{nome"}, "text-error"),
        ({"name": ""}, "name-error"),
        ({"timeout_s": "31"}, "timeout_s-error"),
        ({"repeat": "4"}, "repeat-error"),
        ({"ring_timeout_s": "9"}, "ring_timeout_s-error"),
        ({"ring_timeout_s": "x"}, "ring_timeout_s-error"),
        ({"max_attempts": "6"}, "max_attempts-error"),
        ({"retry_minutes": "0"}, "retry_minutes-error"),
        ({"caller_id": "sip:x"}, "caller_id-error"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(signed_in, change, field):
    answer = signed_in.post("/templates/voice", data={**TYPED, **change})
    page = page_of(answer)
    assert answer.status_code == 422
    assert f'id="{field}"' in page
    assert 'value="Não quer mais"' in page
    folded = any(name in field for name in ("ring", "max", "retry", "caller"))
    assert ('folded" open' in page) == folded or not folded
    assert session().query(Template).count() == 0


def test_a_key_with_two_meanings_is_told_at_the_key(signed_in):
    page = page_of(signed_in.post("/templates/voice", data={**TYPED, "key": ["1", "1", ""]}))
    row = page.split('value="Não quer mais"')[1].split("</li>")[0]
    assert "field-error" in row


def test_a_file_that_is_no_sound_is_told_at_the_file(signed_in):
    form = {**TYPED, "source": "audio", "file": (io.BytesIO(b"<html>" * 50), "oi.mp3")}
    answer = signed_in.post("/templates/voice", data=form)
    assert answer.status_code == 422
    assert 'id="file-error"' in page_of(answer)


def test_more_keys_are_offered_without_scripts(signed_in):
    page = page_of(signed_in.post("/templates/voice", data={**TYPED, "more": "1"}))
    offered = re.sub("<template.*?</template>", "", page, flags=re.S)
    assert offered.count('name="key"') == 4
    assert offered.count("autofocus") == 1, "the new one"


def test_a_key_is_taken_away_without_scripts(signed_in):
    sent = {
        **TYPED,
        "key": ["", "1", "9"],
        "label": ["", "Confirma", "Não quer mais"],
        "effect": ["record"] * 3,
    }
    page = page_of(signed_in.post("/templates/voice", data={**sent, "drop": "1"}))
    phone = page.partition("data-call-keys")[2].partition("</dl>")[0]
    assert re.findall("<kbd>(.)</kbd>", phone) == ["9"]
    assert TYPED["name"] in page


def test_audio_of_another_company_cannot_be_used(app, alice, charlie, kept):
    stranger = factories.browser(app, charlie)
    form = {**TYPED, "source": "audio", "file_id": str(kept.id)}
    answer = stranger.post("/templates/voice", data=form)
    assert answer.status_code == 422
    assert "oi.mp3" not in page_of(answer)
    made = service.create(alice.tenant_id, TemplateIn(**voice_template()), by=alice.actor())
    assert stranger.get(f"/templates/voice/{made.id}").status_code == 404
    assert stranger.post(f"/templates/voice/{made.id}", data=TYPED).status_code == 404


def test_a_call_is_tried_on_the_people_of_a_list(signed_in, alice):
    made = contacts.create_list(alice.tenant_id, name="Pacientes")
    for name, phone in (("Ana", "+5511999990001"), ("Maria Aparecida dos Santos Oliveira", "+551133334444")):
        contacts.create_contact(alice.tenant_id, made.id, name=name, phone=phone)
    form = {**TYPED, "text": "Olá {{nome}}" + "!" * 330, "key": [], "list_id": str(made.id), "rate": "1.0"}
    page = page_of(signed_in.post("/templates/voice/people", data=form))
    assert "Ana" in page and "Maria" in page  # a landline can be called
    assert "0,1320" in page or "0.1320" in page  # 30 s and 36 s
    page = page_of(signed_in.post("/templates/voice", data={**form, "preview": "1"}))
    assert "Olá Ana!" in page


def test_a_template_of_another_channel_has_no_voice_editor(signed_in, alice):
    made = service.create(alice.tenant_id, TemplateIn(**sms()), by=alice.actor())
    assert signed_in.get(f"/templates/voice/{made.id}").status_code == 404


def test_only_the_voice_editor_may_ask_for_the_microphone(signed_in):
    assert "microphone=(self)" in signed_in.get("/templates/voice/new").headers["Permissions-Policy"]
    assert "microphone=()" in signed_in.get("/templates").headers["Permissions-Policy"]


def test_the_api_answers_with_the_measured_length_and_takes_its_answer_back(api, kept):
    body = {"name": "A", "channel": "voice", "voice": {"source": "audio", "file_id": str(kept.id)}}
    made = api.post("/templates", body).get_json()
    assert made["voice"]["duration_ms"] == kept.duration_ms
    again = {**body, "voice": {**made["voice"], "duration_ms": 1}}
    assert api.put(f"/templates/{made['id']}", again).get_json()["voice"]["duration_ms"] == kept.duration_ms
    shown = api.post(f"/templates/{made['id']}/preview", {}).get_json()
    assert (shown["spoken_seconds"], shown["billed_seconds"], shown["most_billed_seconds"]) == (13, 30, 30)


@speaks
def test_a_text_is_read_aloud_with_made_up_values_in_its_gaps(signed_in, tmp_path):
    answer = signed_in.post("/templates/voice/listen", data=TYPED)
    assert (answer.status_code, answer.mimetype) == (200, "audio/mpeg")
    path = tmp_path / "a.mp3"
    path.write_bytes(answer.get_data())
    long = audio.measure(path, "mp3")
    estimate = voice.speech_ms("Olá João da Silva, sua consulta é amanhã.", 1.2)
    assert 0.6 * estimate < long < 1.3 * estimate


@speaks
@pytest.mark.parametrize("name", [*voice_speech.VOICES, None, "../../etc/passwd", "-w", "no such voice"])
def test_every_voice_speaks_and_an_unknown_one_is_the_first(name, app):
    assert sniff.kind(voice_speech.synthesise("--help -w /tmp/x", voice=name)) == "mp3"


def test_where_no_engine_is_the_page_says_what_to_install(signed_in, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "espeak-ng" in page_of(signed_in.get("/templates/voice/new"))
    answer = signed_in.post("/templates/voice/listen", data=TYPED)
    assert answer.status_code == 409
    assert "espeak-ng" in answer.get_json()["error"]

"""Templates through the JSON door."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from sintalk.campaigns.models import Campaign
from sintalk.db import atomic
from tests.message_templates.template_contents import card, sms, text_message, voice

OFFER = {"name": "Oferta", "channel": "sms", "sms": {"text": "Oi {{Nome}}, vem pra {{Cidade|cá}}!"}}


@pytest.fixture
def template(api):
    return api.post("/templates", OFFER).json


def test_a_template_is_made_and_read_back(api):
    made = api.post("/templates", OFFER)
    assert made.status_code == 201
    assert made.json["sms"] == {"text": OFFER["sms"]["text"], "encoding": "auto"}
    assert made.json["variables"] == ["Nome", "Cidade"]
    assert "rcs" not in made.json
    assert "voice" not in made.json
    assert made.json["created_at"].endswith("Z")
    assert api.get(f"/templates/{made.json['id']}").json == made.json


@pytest.mark.parametrize("body", [text_message(), card(), voice()])
def test_every_channel_has_its_object(api, body):
    made = api.post("/templates", body)
    assert made.status_code == 201
    kept = made.json[body["channel"]]
    assert {name: value for name, value in kept.items() if name in ("type", "source", "text", "card")} == {
        name: value for name, value in body[body["channel"]].items() if name != "tts"
    }


def test_all_faults_come_in_one_answer_with_exact_paths(api):
    body = card(title="a" * 201, suggestions=[{"type": "reply", "text": "", "postback_data": "x"}])
    answer = api.post("/templates", {**body, "voice": {}})
    assert answer.status_code == 422
    assert answer.json["error_code"] == "validation_failed"
    found = {(fault["field"], fault["code"]) for fault in answer.json["details"]}
    assert {
        ("rcs.card.title", "too_long"),
        ("rcs.card.suggestions[0].text", "too_short"),
        ("voice", "not_allowed"),
    } <= found
    assert api.get("/templates").json["total"] == 0


def test_templates_are_listed_newest_first_by_channel_and_by_page(api):
    for number in range(3):
        api.post("/templates", {**sms(), "name": f"SMS {number}"})
    api.post("/templates", {**text_message(), "name": "RCS"})
    page = api.get("/templates", limit=2).json
    assert [it["name"] for it in page["data"]] == ["RCS", "SMS 2"]
    assert (page["total"], page["has_more"]) == (4, True)
    assert [it["name"] for it in api.get("/templates", limit=2, offset=2).json["data"]] == ["SMS 1", "SMS 0"]
    assert [it["name"] for it in api.get("/templates", after=page["data"][1]["id"]).json["data"]] == [
        "SMS 1",
        "SMS 0",
    ]
    assert api.get("/templates", channel="rcs").json["total"] == 1
    assert api.get("/templates", channel="fax").status_code == 422


def test_a_template_is_replaced_but_keeps_its_channel(api, template):
    path = f"/templates/{template['id']}"
    changed = api.put(path, {"name": "Outra", "channel": "sms", "sms": {"text": "Oi", "encoding": "gsm7"}})
    assert changed.status_code == 200
    assert changed.json["name"] == "Outra"
    assert changed.json["variables"] == []
    assert changed.json["updated_at"] >= template["updated_at"]
    assert api.get(path).json == changed.json

    refused = api.put(path, text_message())
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json["details"]] == ["channel"]
    assert api.get(path).json == changed.json


def test_a_deleted_template_is_gone(api, template):
    path = f"/templates/{template['id']}"
    assert api.delete(path).status_code == 204
    assert (
        api.get(path).status_code == api.delete(path).status_code == api.put(path, OFFER).status_code == 404
    )
    assert api.get("/templates").json["total"] == 0


@pytest.mark.parametrize("status", ["scheduled", "launching", "running", "paused"])
def test_a_template_of_an_open_campaign_can_be_changed_but_not_deleted(api, template, status):
    listed = api.post("/contact-lists", {"name": "Lista"}).json["id"]
    wanted = {"name": "x", "channel": "sms", "template_id": template["id"], "contact_list_id": listed}
    campaign = api.post("/campaigns", wanted).json["id"]

    def now_is(other: str) -> None:
        with atomic() as current:
            current.execute(update(Campaign).where(Campaign.id == UUID(campaign)).values(status=other))

    path = f"/templates/{template['id']}"
    now_is(status)
    refused = api.delete(path)
    assert (refused.status_code, refused.json["error_code"]) == (409, "template_in_use")
    assert api.put(path, OFFER).status_code == 200
    now_is("completed")
    assert api.delete(path).status_code == 204


def test_a_template_is_copied(api, template):
    copy = api.post(f"/templates/{template['id']}/duplicate")
    assert copy.status_code == 201
    assert copy.json["sms"] == template["sms"]
    assert copy.json["id"] != template["id"]
    assert api.get("/templates").json["total"] == 2


def test_a_preview_says_what_arrives_and_what_it_costs(api, template):
    path = f"/templates/{template['id']}/preview"
    shown = api.post(path, {"variables": {"NOME": "João", "cidade": "Belém"}}).json
    assert shown == {
        "text": "Oi João, vem pra Belém!",
        "missing": [],
        "encoding": "ucs2",
        "segments": 1,
        "characters": 23,
        "ucs2_letters": ["ã"],
    }
    assert api.post(path, {}).json["missing"] == ["Nome"]
    assert api.post(path, {}).json["fault"] == "missing_variable"
    assert api.post(path, {"variables": {"a": 1}}).status_code == 422


def test_a_preview_of_rcs_tells_its_billing_class(api):
    made = api.post("/templates", text_message("Oi {{nome}}")).json
    shown = api.post(f"/templates/{made['id']}/preview", {"variables": {"nome": "Ana"}}).json
    assert (shown["text"], shown["billing_class"]) == ("Oi Ana", "basic")
    assert shown["content"]["text"] == {"body": "Oi Ana"}


def test_a_foreign_id_is_answered_like_one_that_does_not_exist(api, charlie_api, template):
    for foreign in (f"/templates/{template['id']}", f"/templates/{uuid4()}"):
        answers = [
            charlie_api.get(foreign),
            charlie_api.put(foreign, OFFER),
            charlie_api.delete(foreign),
            charlie_api.post(f"{foreign}/preview", {}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4
        assert {answer.json["error_code"] for answer in answers} == {"not_found"}
    assert charlie_api.get("/templates").json["total"] == 0
    assert api.get(f"/templates/{template['id']}").json == template


def test_a_voice_template_needs_a_confirmed_audio_file_of_ours(api, charlie_api):
    upload = {"kind": "audio", "filename": "a.mp3", "content_type": "audio/mpeg"}
    theirs = charlie_api.post("/files/upload-url", upload).json["file_id"]
    pending = api.post("/files/upload-url", upload).json["file_id"]
    csv = api.post("/files/upload-url", {**upload, "kind": "csv", "content_type": "text/csv"}).json["file_id"]

    def answer(file_id):
        return api.post("/templates", voice(source="audio", tts=None, file_id=str(file_id)))

    for unknown in (uuid4(), theirs, csv):
        assert answer(unknown).status_code == 422
        assert answer(unknown).json["details"][0]["field"] == "voice.file_id"
    assert answer(theirs).json["details"] == answer(uuid4()).json["details"]
    assert answer(pending).status_code == 409
    assert api.get("/templates").json["total"] == 0

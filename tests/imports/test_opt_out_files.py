"""A file of numbers that want nothing more: nobody is added, and no file takes a wish back."""

from __future__ import annotations

from sintalk.imports import batches

NUMBERS = "Celular\n11999990001\n(11) 99999-0002\n11999990002\n123\n"


def standing(api):
    return {(each["phone"], each["channel"]) for each in api.get("/opt-outs").get_json()["data"]}


def counts(done):
    return [done[f"{name}_count"] for name in ("created", "updated", "skipped", "rejected")]


def test_every_number_is_opted_out_of_every_channel(api, imported, list_id):
    done = imported(NUMBERS, purpose="opt_outs")
    assert (done["purpose"], done["status"], counts(done)) == ("opt_outs", "completed", [2, 0, 1, 1])
    assert standing(api) == {("+5511999990001", None), ("+5511999990002", None)}
    assert api.get("/opt-outs").get_json()["data"][0]["source"] == "import"
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == 0


def test_or_of_some(api, imported):
    imported("Celular\n11999990001\n", purpose="opt_outs", channels=["sms", "voice"])
    assert standing(api) == {("+5511999990001", "sms"), ("+5511999990001", "voice")}


def test_the_same_file_again_changes_nothing(api, imported, monkeypatch):
    monkeypatch.setattr(batches, "SIZE", 1)
    assert counts(imported(NUMBERS, purpose="opt_outs")) == [2, 0, 1, 1]
    before = standing(api)
    assert counts(imported(NUMBERS, purpose="opt_outs")) == [0, 0, 3, 1]
    assert standing(api) == before


def test_who_is_in_the_list_already_is_marked_and_stays_so_after_another_import(api, imported, list_id):
    people = "Nome;Celular\nAna;11999990001\n"
    imported(people)
    imported(NUMBERS, purpose="opt_outs")
    imported(people)
    [ana] = api.get(f"/contact-lists/{list_id}/contacts").get_json()["data"]
    assert (ana["name"], ana["opted_out"]) == ("Ana", True)


def test_a_file_without_numbers_is_refused(api, upload, list_id):
    body = {"file_id": upload(b"Nome;Email\nAna;a@x.com\n"), "purpose": "opt_outs"}
    answer = api.post(f"/contact-lists/{list_id}/import", body)
    assert (answer.status_code, answer.get_json()["details"][0]["code"]) == (422, "cannot_be_mapped")

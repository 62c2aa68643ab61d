"""Totals of lists without a filter are kept by the database, whoever writes the rows."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from sintalk import checks
from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts
from sintalk.counts import COUNTED, kept
from sintalk.db import atomic
from sintalk.web import paging


def test_they_follow_what_is_made_and_what_is_taken_away(alice, charlie, api):
    made = [contacts.create_list(alice.tenant_id, name=str(number)) for number in range(3)]
    contacts.delete_list(alice.tenant_id, made[0].id)
    contacts.create_list(charlie.tenant_id, name="theirs")
    standing, _ = opt_outs.opt_out(alice.tenant_id, phone="+5511987654321")
    opt_outs.opt_out(alice.tenant_id, phone="+5511987654321")
    assert (kept(alice.tenant_id, "contact_lists"), kept(charlie.tenant_id, "contact_lists")) == (2, 1)
    assert kept(alice.tenant_id, "opt_outs") == 1
    opt_outs.take_back(alice.tenant_id, standing.id)
    assert kept(alice.tenant_id, "opt_outs") == 0
    assert api.get("/contact-lists", limit=1).get_json()["total"] == 2
    assert checks.run() == []


def test_they_are_exact_beyond_what_a_count_would_stop_at(alice, api, monkeypatch):
    monkeypatch.setattr(paging, "COUNT_STOPS_AT", 2)
    for number in range(4):
        opt_outs.opt_out(alice.tenant_id, phone=f"+551198765432{number}", channel="sms")
    whole = api.get("/opt-outs").get_json()
    assert (whole["total"], whole["total_is_exact"]) == (4, True)


def test_something_lost_is_found_by_the_check(alice):
    contacts.create_list(alice.tenant_id, name="a")
    with atomic() as current:
        current.execute(text("UPDATE tenant_counts SET total = total + 1 WHERE kind = 'contact_lists'"))
    assert [each.sentence for each in checks.run()] == ["the kept count of contact_lists is their number"]


@pytest.mark.parametrize("table", COUNTED)
def test_every_counted_table_has_its_triggers(app, table):
    with atomic() as current:
        query = text(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST(:name AS regclass) AND tgname ~ '^count_'"
        )
        assert current.scalar(query, {"name": table}) == 2


def test_a_search_is_answered_from_the_newest_where_it_is_common_and_by_the_index_where_it_is_rare(
    alice, api, monkeypatch
):
    found = contacts.create_list(alice.tenant_id, name="people")
    for number in range(30):
        name = f"Zilda {number}" if number == 3 else f"Maria {number}"
        contacts.create_contact(alice.tenant_id, found.id, name=name)
    path = f"/contact-lists/{found.id}/contacts"
    whole = api.get(path, search="maria", limit=200).get_json()
    assert (whole["total"], whole["total_is_exact"], len(whole["data"])) == (29, True, 29)

    monkeypatch.setattr(paging, "LOOK_AT", 10)
    common = api.get(path, search="maria", limit=4, offset=2).get_json()
    assert [row["id"] for row in common["data"]] == [row["id"] for row in whole["data"][2:6]]
    assert common["has_more"] and not common["total_is_exact"] and common["total"] == 10
    deeper = api.get(path, search="maria", limit=4, after=whole["data"][9]["id"]).get_json()
    assert [row["id"] for row in deeper["data"]] == [row["id"] for row in whole["data"][10:14]]
    rare = api.get(path, search="zilda").get_json()
    assert [row["name"] for row in rare["data"]] == ["Zilda 3"]
    assert (rare["total"], rare["total_is_exact"]) == (1, True)

"""Everybody has turns: a small file need not wait for somebody's million rows."""

from __future__ import annotations

import pytest

from sintalk.db import session
from sintalk.imports import batches, jobs, turns
from sintalk.imports.models import ContactImport

SMALL = "Nome;Celular\nAna;11999990001\n"
BIG = "Nome;Celular\n" + "".join(f"Ana {i};119{10_000_000 + i}\n" for i in range(1_000))


@pytest.fixture(autouse=True)
def short_turns(monkeypatch):
    """A turn is one batch, where somebody waits."""
    monkeypatch.setattr(batches, "SIZE", 100)
    monkeypatch.setattr(turns, "TURN_S", 0.0)


@pytest.fixture
def start(upload):
    """An import of this file into a list of its own: its id."""

    def start(through, text):
        list_id = through.post("/contact-lists", {"name": "x"}).get_json()["id"]
        body = {"file_id": upload(text.encode(), through=through)}
        return through.post(f"/contact-lists/{list_id}/import", body).get_json()["id"]

    return start


def state(import_id):
    session().rollback()
    job = session().get_one(ContactImport, import_id, populate_existing=True)
    return job.status, job.processed_rows


def test_a_small_file_of_another_company_comes_after_one_turn_of_the_big_one(api, charlie_api, start):
    big, small = start(api, BIG), start(charlie_api, SMALL)
    turns.take_turn()
    assert (state(big), state(small)) == (("running", 100), ("queued", 0))
    turns.take_turn()
    assert (state(big), state(small)) == (("running", 100), ("completed", 1))
    jobs.work()
    assert state(big) == ("completed", 1_000)


def test_many_big_files_of_one_company_are_no_reason_for_another_to_wait(api, charlie_api, start):
    bigs = [start(api, BIG) for _ in range(4)]
    turns.take_turn()
    small = start(charlie_api, SMALL)
    turns.take_turn()
    assert state(small) == ("completed", 1)
    assert sum(rows for _, rows in map(state, bigs)) == 100


def test_the_files_of_one_company_take_turns_too(api, start):
    big, small = start(api, BIG), start(api, SMALL)
    turns.take_turn()
    turns.take_turn()
    assert (state(big), state(small)) == (("running", 100), ("completed", 1))


def test_companies_are_served_in_turn(api, charlie_api, start):
    one, other = start(api, BIG), start(charlie_api, BIG)
    seen = []
    for _ in range(6):
        turns.take_turn()
        seen.append((state(one)[1], state(other)[1]))
    assert seen == [(100, 0), (100, 100), (200, 100), (200, 200), (300, 200), (300, 300)]


def test_where_nobody_waits_nobody_gives_way(api, start):
    big = start(api, BIG)
    turns.take_turn()
    assert state(big) == ("completed", 1_000)


def test_whoever_came_while_others_work_is_not_forgotten(api, charlie_api, start, monkeypatch):
    """The asking itself is rationed to once a second: the first time it is due at once."""
    big = start(api, BIG)
    arrived = []
    over = turns.Turn.over

    def arriving(turn):
        if not arrived:
            arrived.append(start(charlie_api, SMALL))
        return over(turn)

    monkeypatch.setattr(turns.Turn, "over", arriving)
    turns.take_turn()
    assert state(big) == ("running", 100)
    jobs.work()
    assert (state(big), state(arrived[0])) == (("completed", 1_000), ("completed", 1))

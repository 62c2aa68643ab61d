"""Sessions of people: begun anew at sign-in, ended everywhere at sign-out, gone when idle."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from sintalk.auth import service
from sintalk.auth.models import SignedIn
from sintalk.db import atomic, now, session
from sintalk.errors import DomainError
from tests.factories import PASSWORD


def test_signing_in_gives_a_token_of_which_only_the_hash_is_kept(alice):
    token = service.sign_in("ALICE@example.com ", PASSWORD, ip="127.0.0.1")
    row = session().scalars(select(SignedIn)).one()
    assert token not in repr(vars(row)) and service.person(token, prolong=True).id == alice.id


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_person_answer_alike(alice, email):
    with pytest.raises(DomainError) as refused:
        service.sign_in(email, "wrong", ip="127.0.0.1")
    assert (refused.value.status, refused.value.message) == (401, "E-mail ou senha incorretos.")


def test_signing_out_ends_the_session_at_once(alice):
    token = service.sign_in("alice@example.com", PASSWORD, ip="127.0.0.1")
    service.sign_out(token)
    assert service.person(token, prolong=True) is None


@pytest.mark.parametrize(
    ("seen_ago", "begun_ago"), [(service.IDLE, timedelta(hours=3)), (timedelta(0), service.LONGEST)]
)
def test_a_session_runs_out_when_idle_and_at_the_end_of_the_day(alice, seen_ago, begun_ago):
    token = service.begin(alice, ip="127.0.0.1")
    with atomic() as current:
        row = current.scalars(select(SignedIn)).one()
        row.last_seen_at = now() - seen_ago - timedelta(seconds=1)
        row.created_at = now() - begun_ago - timedelta(seconds=1)
    assert service.person(token, prolong=True) is None


def test_polling_does_not_prolong_a_session(alice):
    token = service.begin(alice, ip="127.0.0.1")
    with atomic() as current:
        seen = now() - timedelta(hours=1)
        current.scalars(select(SignedIn)).one().last_seen_at = seen
    service.person(token, prolong=False)
    assert session().scalars(select(SignedIn)).one().last_seen_at == seen
    service.person(token, prolong=True)
    assert session().scalars(select(SignedIn)).one().last_seen_at > seen


def test_a_new_password_ends_every_session_and_the_old_one_is_gone(alice):
    token = service.begin(alice, ip="127.0.0.1")
    service.replace_password("Alice@example.com", "another long password")
    assert service.person(token, prolong=True) is None
    with pytest.raises(DomainError):
        service.sign_in("alice@example.com", PASSWORD, ip="127.0.0.1")
    assert service.sign_in("alice@example.com", "another long password", ip="127.0.0.1")


def test_a_new_password_for_nobody_is_refused(alice):
    with pytest.raises(DomainError) as refused:
        service.replace_password("nobody@example.com", "another long password")
    assert refused.value.code == "not_found"

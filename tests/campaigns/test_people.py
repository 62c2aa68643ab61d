"""A campaign's people as a file, and its story told in words."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import update

from sintalk.accounts import service as accounts
from sintalk.campaigns import exporting, jobs, launching, service, story
from sintalk.contacts import opt_outs
from sintalk.db import atomic
from sintalk.messages.models import Notification
from sintalk.tenancy import Actor
from tests import factories
from tests.campaigns.test_campaign_pages import PEOPLE, draft_of, list_of, page_of, template_of


@pytest.fixture
def sent(alice):
    """A campaign whose three messages are written; Célia opted out before."""
    factories.money(alice.tenant_id, 10)
    campaign = draft_of(alice, list_of(alice, [*PEOPLE[:2], ("=2+3", PEOPLE[2][1])]), template_of(alice))
    opt_outs.opt_out(alice.tenant_id, phone=PEOPLE[2][1])
    service.launch(alice.tenant_id, campaign.id, by=alice.actor())
    jobs.expand(str(campaign.id))
    return campaign


def table(answer) -> list[list[str]]:
    assert answer.mimetype == "text/csv"
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";"))


def test_everybody_stands_in_the_file_with_status_and_reason_in_words(signed_in, sent, monkeypatch):
    monkeypatch.setattr(exporting, "PORTION", 2)
    header, *rows = table(signed_in.get(f"/campaigns/{sent.id}/people.csv"))
    assert header[:4] == ["Telefone", "Nome", "Situação", "Motivo"]
    assert [row[:3] for row in rows] == [
        ["+5511987654321", "Ana", "Na fila"],
        ["+5511987654322", "Bento", "Na fila"],
        ["+5511987654323", "'=2+3", "De fora"],
    ]
    assert rows[2][3] == "Esta pessoa pediu para não receber mensagens."
    assert rows[0][4][:4].isdigit()


def test_one_outcome_can_be_had_alone_at_both_doors(signed_in, api, sent):
    with atomic() as current:
        ana = update(Notification).where(Notification.name == "Ana")
        current.execute(ana.values(status="delivered"))
    for status, names in (
        ("suppressed", ["'=2+3"]),
        ("delivered", ["Ana"]),
        ("queued", ["Bento"]),
        ("read", []),
    ):
        by_page = table(signed_in.get(f"/campaigns/{sent.id}/people.csv?status={status}"))
        by_api = table(api.get(f"/campaigns/{sent.id}/people", status=status))
        assert [row[1] for row in by_page[1:]] == [row[1] for row in by_api[1:]] == names
    assert api.get(f"/campaigns/{sent.id}/people", status="nonsense").status_code == 422


def test_a_draft_has_nobody_in_its_file(api, alice):
    draft = draft_of(alice, list_of(alice), template_of(alice))
    assert len(table(api.get(f"/campaigns/{draft.id}/people"))) == 1


def test_the_page_tells_who_did_what(signed_in, api, alice, sent):
    assert api.post(f"/campaigns/{sent.id}/pause").status_code == 200
    service.resume(alice.tenant_id, sent.id, by=alice.actor())
    service.cancel(alice.tenant_id, sent.id, by=alice.actor())
    page = page_of(signed_in.get(f"/campaigns/{sent.id}"))
    said = [
        "O rascunho foi criado.",
        "Alice disparou",
        "A chave de API “tests” pausou",
        "Alice retomou",
        "Alice cancelou",
    ]
    places = [page.index(each) for each in said]
    assert places == sorted(places)


def test_what_happened_by_itself_says_why(alice):
    campaign = draft_of(alice, list_of(alice), template_of(alice))
    by = launching.clock(campaign)
    with atomic():
        for action, reason in (
            ("launched", None),
            ("paused", "insufficient_balance"),
            ("paused", "canary_failed"),
            ("paused", "too_many_failures"),
            ("paused", "anything"),
        ):
            accounts.record(by, f"campaign.{action}", campaign.id, reason=reason)
        accounts.record(stranger(campaign), "campaign.canceled", campaign.id)
    told = [str(step.text) for step in story.of(campaign)]
    assert told[1:] == [
        "Chegou a hora, e ela foi disparada.",
        "Ficou retida: o saldo não cobria o custo.",
        "Ficou retida: muitas das primeiras pessoas não receberam.",
        "Ficou retida: muitas pessoas não receberam.",
        "Ficou retida.",
        "Alguém cancelou.",
    ]


def test_where_everybody_was_left_out_the_story_and_the_reasons_say_so(signed_in, alice):
    factories.money(alice.tenant_id, 10)
    campaign = draft_of(alice, list_of(alice), template_of(alice))
    for _, phone in PEOPLE:
        opt_outs.opt_out(alice.tenant_id, phone=phone)
    service.launch(alice.tenant_id, campaign.id, by=alice.actor())
    jobs.expand(str(campaign.id))
    service.close_finished()
    page = page_of(signed_in.get(f"/campaigns/{campaign.id}"))
    assert "Todas as pessoas ficaram de fora, então nada saiu." in page
    assert "<p><span>pediram descadastro</span></p>" in page


def stranger(campaign) -> Actor:
    """Somebody whom the company does not know: support of the platform."""
    return Actor(tenant_id=campaign.tenant_id, kind="user", id=campaign.id, name="", role="owner")

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sintalk.web import filters
from tests.web.conftest import Visit

NOON = datetime(2026, 11, 22, 15, 0, 5, tzinfo=UTC)


def plain(text: str) -> str:
    """Without the unbreakable spaces of CLDR."""
    return text.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("micros", "portuguese", "english"),
    [
        (1_250_500_000, "R$ 1.250,50", "R$1,250.50"),
        (0, "R$ 0,00", "R$0.00"),
        (80_000, "R$ 0,08", "R$0.08"),
        (-3_500_000, "-R$ 3,50", "-R$3.50"),
        (72_500, "R$ 0,0725", "R$0.0725"),
    ],
)
def test_money_is_written_as_the_person_writes_it(
    visit: Visit, micros: int, portuguese: str, english: str
) -> None:
    with visit("pt_BR"):
        assert plain(filters.money(micros)) == portuguese
    with visit("en"):
        assert plain(filters.money(micros)) == english


def test_no_amount_is_nothing(visit: Visit) -> None:
    with visit():
        assert filters.money(None) == ""


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.0, "0%"), (1.0, "100%"), (0.5, "50%"), (0.999999, "99%"), (0.000001, "1%")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(visit: Visit, share: float, written: str) -> None:
    with visit():
        assert filters.percent(share) == written


def test_times_are_those_of_the_tenant(visit: Visit) -> None:
    with visit("pt_BR", timezone="America/Sao_Paulo"):
        assert filters.clock(NOON) == "12:00"
        assert "22 de nov" in filters.moment(NOON)
    with visit("pt_BR", timezone="America/Manaus"):
        assert filters.clock(NOON) == "11:00"
    assert filters.iso(NOON) == "2026-11-22T15:00:05+00:00"


def test_a_day_is_the_tenants_day(visit: Visit) -> None:
    late = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    with visit("pt_BR"):
        assert filters.day(late, "short") == "22/11/2026"


def test_what_was_lately_is_said_in_words(visit: Visit) -> None:
    now = datetime.now(UTC)
    with visit("pt_BR"):
        assert filters.ago(now) == "agora mesmo"
        assert filters.ago(now - timedelta(minutes=2)) == "há 2 minutos"
        assert filters.ago(NOON - timedelta(days=900)) == filters.day(NOON - timedelta(days=900))


@pytest.mark.parametrize(
    ("e164", "written"),
    [
        ("+5511999990001", "+55 (11) 99999-0001"),
        ("+551133334444", "+55 (11) 3333-4444"),
        ("+14155552671", "+1 415-555-2671"),
        ("+5511", "+5511"),
        ("", ""),
        (None, ""),
    ],
)
def test_phones_are_written_as_their_people_write_them(visit: Visit, e164: str | None, written: str) -> None:
    with visit():
        assert plain(filters.phone(e164)).replace("+55 11", "+5511") == written


@pytest.mark.parametrize(
    ("size", "written"), [(0, "0 B"), (999, "999 B"), (200 * 1024**2, "200 MB"), (3_500_000, "3,3 MB")]
)
def test_sizes_are_short(visit: Visit, size: int, written: str) -> None:
    with visit():
        assert filters.filesize(size) == written


def test_a_changed_filter_starts_at_the_first_page_and_keeps_the_others(visit: Visit) -> None:
    with visit(path="/lists/7?status=sent&offset=50&search=ana"):
        assert filters.url_with(status="read") == "/lists/7?status=read&search=ana"
        assert filters.url_with(offset=100) == "/lists/7?status=sent&offset=100&search=ana"
        assert filters.url_with(status=None, search=None) == "/lists/7"


def test_a_page_that_does_not_exist_is_not_linked(visit: Visit) -> None:
    with visit():
        assert filters.has_page("list")
        assert not filters.has_page("campaigns.index")

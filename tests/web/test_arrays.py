"""Lists reach PostgreSQL as they are, whatever is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DataError

from sintalk.db import session

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
zones = st.sampled_from([UTC, timezone(timedelta(hours=-3)), timezone(timedelta(hours=5, minutes=45))])
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=zones)  # noqa: DTZ001
LISTS = {"uuid[]": st.uuids(), "text[]": words | st.none() | st.just("NULL"), "timestamptz[]": moments}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_comes_back_as_it_went(app, kind):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(LISTS[kind], max_size=20))
    def check(values):
        asked = text(f"SELECT CAST(:values AS {kind})")
        assert session().execute(asked, {"values": values}).scalar_one() == values

    check()


def test_other_lists_are_psycopgs_business(app):
    asked = text("SELECT CAST(:numbers AS integer[]), CAST(:flags AS boolean[]), CAST(:none AS uuid[])")
    found = session().execute(asked, {"numbers": [1, 2], "flags": [True, None], "none": [None, UUID(int=7)]})
    assert found.one() == ([1, 2], [True, None], [None, UUID(int=7)])


def test_a_nul_is_refused_with_a_word(app):
    with pytest.raises(DataError, match="NUL"):
        session().execute(text("SELECT CAST(:words AS text[])"), {"words": ["a\0b"]})

"""How a campaign is cut where a few people get it first. Pure."""

from __future__ import annotations

import pytest

from sintalk.db import new_id
from sintalk.messages import spreading
from sintalk.messages.models import Dispatch
from tests.pipeline import drafts


@pytest.mark.parametrize("people", [100, 5_000, 100_000, 250_000, 1_000_000])
@pytest.mark.parametrize("spread_minutes", [None, 240])
def test_one_in_a_hundred_is_tried(people, spread_minutes):
    plan = spreading.plan(people, spread_minutes=spread_minutes, canary=True)
    tried, size = plan["canary"]["people"], plan["chunk_size"]
    assert max(20, people / 100) <= tried <= max(20, people / 100) + plan["canary"]["chunks"]
    assert tried <= plan["canary"]["chunks"] * size


def test_who_is_left_out_is_no_try():
    dispatch = Dispatch(
        id=new_id(), tenant_id=new_id(), channel="sms", carrier="simulator", chunk_size=1_000,
        canary={"chunks": 1, "people": 20},
    )  # fmt: skip
    good, out = drafts("1111", each=30), [draft._replace(error_code="opted_out") for draft in drafts("2222")]
    first, rest = spreading.cut(dispatch, [*out, *good], no=0, template_id=None)
    assert (len(first.good), len(first.drafts), len(rest.good)) == (20, 21, 10)

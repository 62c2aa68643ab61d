"""A short form of `make chaos`: one round of each kind, bounded in time."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.chaos.storm import BLIND, LINKS, OWN, Kind, Round, remains

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(500)]
KILLS, SECONDS = 25, 30.0


@pytest.mark.parametrize("kind", [OWN, LINKS, BLIND], ids=("own servers", "fault proxies", "no look-up"))
def test_nobody_is_lost_and_nobody_is_written_to_twice_whatever_is_killed(tmp_path, kind: Kind):
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    print(f"seed {seed}")
    this = Round(tmp_path, random.Random(seed), kind, rows=300, tenants=2)
    this.run(KILLS, until=time.monotonic() + SECONDS)
    assert not this.failed, f"seed {seed}, {this.said()}"
    assert this.hand.kills and this.messages, this.said()
    assert remains(tmp_path) == []

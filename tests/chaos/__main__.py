"""`make chaos`: deaths, stops, lost keys and cut connections while companies send, and the sum at the end.

Settings, in the environment: KILLS (1000), SEED (by chance, printed), ROWS a campaign (400), SECONDS (no limit),
AWAY_S (600): so long Redis is gone in one round. What failed leaves its folder behind, with all logs.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.storm import BLIND, LINKS, OWN, Kind, Round, in_one_table

KILLS_A_ROUND = 100


def main() -> int:
    """Rounds until there were enough deaths, or the time is over; 1 where anything went wrong."""
    kills, rows = int(os.environ.get("KILLS", "1000")), int(os.environ.get("ROWS", "400"))
    away_s = float(os.environ.get("AWAY_S", "600"))
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    over = time.monotonic() + float(os.environ.get("SECONDS", "inf"))
    print(f"seed {seed}: make chaos SEED={seed} KILLS={kills} ROWS={rows}", flush=True)
    chance, rounds, done = random.Random(seed), list[Round](), 0
    while done < kills and time.monotonic() < over:
        this = _round(_kind(len(rounds), away_s), chance, rows, min(KILLS_A_ROUND, kills - done), over)
        rounds.append(this)
        done += this.hand.kills.total()
        print(f"round {len(rounds)}, {this.said()}", flush=True)
    print(in_one_table(rounds))
    return int(any(each.failed for each in rounds))


def _kind(place: int, away_s: float) -> Kind:
    if place == 3 and away_s:
        return Kind(f"Redis gone for {away_s:.0f} s", links=True, away_s=away_s)
    return (OWN, LINKS, BLIND)[place % 3]


def _round(kind: Kind, chance: random.Random, rows: int, kills: int, over: float) -> Round:
    folder = Path(tempfile.mkdtemp(prefix="sintalk-chaos-"))
    this = Round(folder, chance, kind, rows=rows)
    this.run(kills, until=over)
    if this.failed:
        print(f"see {folder}", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return this


if __name__ == "__main__":
    sys.exit(main())

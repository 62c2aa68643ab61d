"""`make chaos`: deaths, stops, lost keys and cut connections while companies send, and the sum at the end; before that
the long form of what the tests do shortly: many launches over one balance, and the ledger's state machine.

Settings, in the environment: KILLS (1000), SEED (by chance, printed), ROWS a campaign (400), SECONDS (no limit),
AWAY_S (600): so long Redis is gone in one round; LAUNCHES (100) by each of 64 threads, EXAMPLES (1000) of the machine;
0 leaves either out. What failed leaves its folder behind, with all logs.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.storm import BLIND, LINKS, OWN, Kind, Round, in_one_table

KILLS_A_ROUND = 100
#: By their setting: the variable of the tests, how often, and where they stand.
LONG = {
    "LAUNCHES": (
        "SINTALK_CHAOS_LAUNCHES",
        "100",
        "tests/chaos/test_many_launches.py::test_sixty_four_threads_launch_exactly_what_the_money_covers",
    ),
    "EXAMPLES": (
        "SINTALK_LEDGER_EXAMPLES",
        "1000",
        "tests/billing/test_ledger_machine.py::test_the_ledger_does_what_a_dictionary_of_integers_does",
    ),
}


def main() -> int:
    """Rounds until there were enough deaths, or the time is over; 1 where anything went wrong."""
    kills, rows = int(os.environ.get("KILLS", "1000")), int(os.environ.get("ROWS", "400"))
    away_s = float(os.environ.get("AWAY_S", "600"))
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    over = time.monotonic() + float(os.environ.get("SECONDS", "inf"))
    print(f"seed {seed}: make chaos SEED={seed} KILLS={kills} ROWS={rows}", flush=True)
    failed = [name for name in LONG if not _long_form(name, seed)]
    chance, rounds, done = random.Random(seed), list[Round](), 0
    while done < kills and time.monotonic() < over:
        this = _round(_kind(len(rounds), away_s), chance, rows, min(KILLS_A_ROUND, kills - done), over)
        rounds.append(this)
        done += this.hand.kills.total()
        print(f"round {len(rounds)}, {this.said()}", flush=True)
    print(in_one_table(rounds))
    return int(bool(failed) or any(each.failed for each in rounds))


def _long_form(name: str, seed: int) -> bool:
    """Run these tests as often as is asked for; whether all was well."""
    variable, default, path = LONG[name]
    times = os.environ.get(name, default)
    if times == "0":
        return True
    options = ["-q", f"--hypothesis-seed={seed}", "-o", "timeout=7200"]
    command = [sys.executable, "-m", "pytest", *options, path]
    began = time.monotonic()
    done = subprocess.run(
        command, env={**os.environ, variable: times}, capture_output=True, text=True, check=False
    )
    well = done.returncode == 0
    print(f"{name.lower()} {times}: {'all well' if well else done.stdout[-3000:]}", end="", flush=True)
    print(f" ({time.monotonic() - began:.0f} s)", flush=True)
    return well


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

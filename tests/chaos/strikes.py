"""What strikes a running product: deaths of its processes and servers, and faults on the ways between them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tests.chaos.proxy import Proxy
from tests.live.product import processes_of

#: Name in the table, words of the command line, how often compared with others.
OURS = (
    ("dispatch worker", "worker dispatch", 5),
    ("default worker", "worker default", 3),
    ("imports worker", "worker imports", 1),
    ("webhooks worker", "worker webhooks", 1),
    ("sweeper", "sintalk sweep", 1),
    ("web server", "gunicorn", 2),
)
SERVERS = (("carrier", "sintalk simulator", 1), ("Valkey", "valkey-server", 1))
#: Longer than a lease: who wakes up again is somebody else's zombie.
NAP_S, SLEEP_S = 1.0, 33.0
#: Sub-batches that may have been on their way when it died: two workers call the carrier.
ON_THE_WAY = {"dispatch worker": 1, "carrier": 2, "PostgreSQL": 2, "PostgreSQL backend": 2, "web server": 0}


@dataclass(frozen=True)
class Strike:
    """`act` answers whether it hit anything; `deadly`: a process ended."""

    name: str
    act: Callable[[], bool]
    deadly: bool = False


class Hand:
    """Strikes by chance, and counts: `kills` and `faults` by name."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder, chance
        self.kills: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._choice: list[Strike] = []
        self._asleep: list[threading.Timer] = []
        for name, words, times in OURS:
            self.adds(Strike(name, self._kill(words), deadly=True), times)
        self.adds(Strike("SIGSTOP, 1 s", lambda: self._sleep(NAP_S)))
        self.adds(Strike("SIGSTOP past the lease", lambda: self._sleep(SLEEP_S)))

    def adds(self, strike: Strike, times: int = 1) -> None:
        self._choice += [strike] * times

    def with_own_servers(self, redis_url: str) -> None:
        """For a product that started its servers, and starts them again."""
        for name, words, times in SERVERS:
            self.adds(Strike(name, self._kill(words), deadly=True), times)
        self.adds(Strike("PostgreSQL", self._kill("postgres -D", signal.SIGQUIT), deadly=True))
        self.adds(Strike("PostgreSQL backend", self._kill("postgres: "), deadly=True))
        self.adds(Strike("FLUSHALL", lambda: _flush(redis_url)))

    def with_links(self, database: Proxy, redis: Proxy, carrier: Proxy) -> None:
        """For a product that reaches its servers through these."""
        for link in (database, redis, carrier):
            self.adds(Strike("connections reset", lambda link=link: bool(link.cut())))
            self.adds(Strike("slow", lambda link=link: self._for_a_while(link, 2.0, latency_s=0.03)))
        self.adds(Strike("cut at COMMIT", lambda: self._for_a_while(database, 1.0, cut_after=b"COMMIT")), 3)
        self.adds(Strike("half-open", lambda: self._for_a_while(redis, 2.0, deaf=True)))
        self.adds(Strike("half-open", lambda: self._for_a_while(database, 1.0, deaf=True)))
        answers = b'{"results'
        self.adds(Strike("answer dropped", lambda: self._for_a_while(carrier, 1.0, cut_at=answers)), 2)
        lie = (b'"accepted"', b'"acceptex"')
        self.adds(Strike("nonsense answered", lambda: self._for_a_while(carrier, 1.0, garbled=lie)), 2)
        self.adds(Strike("carrier stalls", lambda: self._for_a_while(carrier, 3.0, deaf=True)))

    def strikes(self) -> None:
        """One, of those that can."""
        strike = self.chance.choice(self._choice)
        if strike.act():
            (self.kills if strike.deadly else self.faults)[strike.name] += 1

    def rests(self) -> None:
        """Whoever was stopped wakes up."""
        for timer in self._asleep:
            timer.cancel()
            timer.function(*timer.args)

    def sub_batches(self) -> int:
        """How many sub-batches may have become uncertain by what was done so far."""
        dead = sum(ON_THE_WAY.get(name, 0) * times for name, times in self.kills.items())
        return dead + self.faults["SIGSTOP past the lease"]

    def _kill(self, words: str, number: signal.Signals = signal.SIGKILL) -> Callable[[], bool]:
        def act() -> bool:
            prey = processes_of(self.folder, words)
            if not prey:
                return False
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.chance.choice(prey), number)
                return True
            return False

        return act

    def _sleep(self, seconds: float) -> bool:
        prey = processes_of(self.folder, self.chance.choice([words for _, words, _ in OURS[:5]]))
        if not prey:
            return False
        pid = self.chance.choice(prey)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        timer = threading.Timer(seconds, _wake, (pid,))
        timer.daemon = True
        timer.start()
        self._asleep = [other for other in self._asleep if other.is_alive()] + [timer]
        return True

    def _for_a_while(self, link: Proxy, seconds: float, **fault: Any) -> bool:
        seen = link.cuts
        for name, value in fault.items():
            setattr(link, name, value)
        time.sleep(seconds)
        link.heal()
        return link.cuts > seen if {"cut_after", "cut_at"} & set(fault) else True


def names(hands: Sequence[Hand]) -> tuple[Counter[str], Counter[str]]:
    """Kills and faults of all of them."""
    kills: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for hand in hands:
        kills += hand.kills
        faults += hand.faults
    return kills, faults


def _flush(url: str) -> bool:
    with contextlib.suppress(RedisError):
        Redis.from_url(url, socket_timeout=2).flushall()
        return True
    return False


def _wake(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)

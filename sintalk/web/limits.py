"""How often the API may be asked: 6 000 times a minute for each key, unless the key says otherwise.

A window of a minute begins with a key's first request. Its count stands in Valkey, so all web processes share it.
Who asks often is counted by the process first, and in Valkey every `STEP_S`; but no more than a small `PART` of what
was left, so near its end every request is counted there again, and a process lets nobody pass the limit by more than
that part of it. While Valkey is away the API stays open: each process counts for itself, and looks only now and then
whether Valkey is back, so that nobody waits for time-outs.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from flask import Flask, Response, current_app, g
from flask_babel import lazy_gettext as _l
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from sintalk.errors import DomainError

log = logging.getLogger(__name__)

PER_MINUTE = 6_000
WINDOW_MS = 60_000
#: How long Valkey may take, and for how long it is left alone after it did not answer, in seconds.
PATIENCE, LEFT_ALONE = 0.25, 5.0
#: As many counts a process keeps for itself at the most; above it the oldest are forgotten.
KEPT = 10_000
#: For how many seconds a process counts by itself what it will tell Valkey, and which part (1/64) of what is left.
STEP_S, PART = 0.05, 64

COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}
"""


@dataclass(frozen=True)
class Standing:
    """Where a key stands in its window: how many requests of how many are left, seconds until it starts anew."""

    limit: int
    count: int
    reset: int

    @property
    def remaining(self) -> int:
        return max(self.limit - self.count, 0)

    @property
    def exceeded(self) -> bool:
        return self.count > self.limit


@dataclass(slots=True)
class Window:
    """A window as Valkey told it at `told_at`, with what was told it since; monotonic seconds. `untold`: requests that
    this process counted for itself since then."""

    count: int
    ends: float
    told_at: float
    untold: int = 0

    def takes(self, limit: int, moment: float) -> bool:
        """Whether one more may be counted here alone."""
        return moment < min(self.ends, self.told_at + STEP_S) and self.untold < (limit - self.count) // PART


class Counter:
    """Counts requests by who asks, in Valkey or, while that is away, here."""

    def __init__(self, url: str | None) -> None:
        self._script = None
        if url:
            valkey = Redis.from_url(
                url,
                socket_connect_timeout=PATIENCE,
                socket_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
            )
            self._script = valkey.register_script(COUNT)
        self._asked_again_at = 0.0
        self._own: dict[str, tuple[float, int]] = {}
        self._windows: dict[str, Window] = {}
        self._lock = threading.Lock()

    def hit(self, who: str, limit: int) -> Standing:
        """Count one request."""
        count, left_ms = self._ahead(who, limit) or self._shared(who) or self._alone(who)
        return Standing(limit, count, max(-(-left_ms // 1000), 1))

    @property
    def asks_valkey(self) -> bool:
        """Whether Valkey counts; it does not where there is none, and for a while after it did not answer."""
        return self._script is not None and time.monotonic() >= self._asked_again_at

    def _ahead(self, who: str, limit: int) -> tuple[int, int] | None:
        """Counted here, to be told soon; nothing where it must be told now."""
        moment = time.monotonic()
        with self._lock:
            window = self._windows.get(who)
            if window is None or not window.takes(limit, moment):
                return None
            window.untold += 1
            return window.count + window.untold, int((window.ends - moment) * 1000)

    def _shared(self, who: str) -> tuple[int, int] | None:
        """Counted in Valkey, with what was not told yet."""
        if self._script is None or not self.asks_valkey:
            return None
        try:
            count, left = self._script(keys=[f"sintalk:rate:{who}"], args=[WINDOW_MS, self._owed(who) + 1])
        except RedisError as error:
            self._asked_again_at = time.monotonic() + LEFT_ALONE
            self._windows.clear()
            log.warning("requests are counted in this process only, since Valkey does not answer: %s", error)
            return None
        self._remember(who, int(count), int(left))
        return int(count), int(left)

    def _owed(self, who: str) -> int:
        """What is to be told besides this request; whoever comes meanwhile counts on."""
        moment = time.monotonic()
        with self._lock:
            window = self._windows.get(who)
            if window is None:
                return 0
            if window.ends <= moment:
                del self._windows[who]
                return 0
            owed, window.untold = window.untold, 0
            window.count, window.told_at = window.count + owed + 1, moment
            return owed

    def _remember(self, who: str, count: int, left_ms: int) -> None:
        moment = time.monotonic()
        with self._lock:
            untold = self._windows[who].untold if who in self._windows else 0
            if len(self._windows) >= KEPT:
                self._windows.clear()
            self._windows[who] = Window(count, moment + left_ms / 1000, moment, untold)

    def _alone(self, who: str) -> tuple[int, int]:
        moment = time.monotonic()
        with self._lock:
            ends, count = self._own.pop(who, (0.0, 0))
            if ends <= moment:
                ends, count = moment + WINDOW_MS / 1000, 0
            if len(self._own) >= KEPT:
                del self._own[next(iter(self._own))]
            self._own[who] = (ends, count + 1)
        return count + 1, int((ends - moment) * 1000)


def init(app: Flask) -> None:
    """Bind a counter, and say on every answer of the API where its key stands."""
    app.extensions["sintalk.limits"] = Counter(app.config["REDIS_URL"])
    app.after_request(_say)


def spend(who: str, per_minute: int | None = None) -> None:
    """Count this request. Raises 429 `rate_limited` with Retry-After where the minute's are used up."""
    counter: Counter = current_app.extensions["sintalk.limits"]
    g.standing = standing = counter.hit(who, per_minute or PER_MINUTE)
    if standing.exceeded:
        raise DomainError(
            429,
            "rate_limited",
            _l("Too many requests. Wait a moment and try again."),
            headers={"Retry-After": str(standing.reset)},
        )


def _say(response: Response) -> Response:
    standing: Standing | None = getattr(g, "standing", None)
    if standing is not None:
        response.headers["RateLimit-Limit"] = str(standing.limit)
        response.headers["RateLimit-Remaining"] = str(standing.remaining)
        response.headers["RateLimit-Reset"] = str(standing.reset)
    return response

"""How fast messages may leave: token buckets that all workers share, one a carrier and one a tenant and channel.

A bucket holds up to `burst` tokens and gets `per_second` more a second; a message takes one of each bucket that it
goes through, before its intent is written. The buckets stand in Valkey, one script a sub-batch. What a campaign takes
leaves a part of a bucket (KEEP) to single sends, which so need not wait for what campaigns emptied.

A carrier that says "too fast" has its rate cut by half at once, and gets it back in steps (CLIMB a second): the
bucket's `share`. While Valkey is away each worker keeps to its part of the rate, counted by the workers that were
seen lately, so that together they are not faster than one bucket lets them.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from sintalk.carriers.base import Carrier
from sintalk.db import release
from sintalk.heartbeats import seen_lately

log = logging.getLogger(__name__)

#: The part of a bucket that campaigns leave to single sends.
KEEP = 0.1
#: What a carrier's share falls to at most, and how much of the whole it gets back a second.
LOWEST, CLIMB = 0.05, 0.02
#: How long Valkey may take, and for how long it is left alone after it did not answer, in seconds.
PATIENCE, LEFT_ALONE = 0.25, 5.0
#: Nobody waits longer than this before they ask again, in seconds; nor shorter.
LONGEST_WAIT_S, SHORTEST_WAIT_S = 5.0, 0.05

#: A campaign that finds nothing waits for a quarter of a second's worth: many small batches cost more than large ones.
#: KEYS buckets; ARGV wanted, keep, then rate and burst of each. Answers how many are granted, and a wait in ms.
#: A bucket: tokens, at (when they were that many), share, and slowed (when the share last fell).
TAKE = f"""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local granted, wait = tonumber(ARGV[1]), 0
local found = {{}}
for i, key in ipairs(KEYS) do
  local rate, burst = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  local b = redis.call('HMGET', key, 'tokens', 'at', 'share')
  local share, at = tonumber(b[3] or 1), tonumber(b[2] or now)
  local past = math.max(now - at, 0)
  share = math.min(1, share + past * {CLIMB})
  local tokens = math.min(burst, tonumber(b[1] or burst) + past * rate * share)
  local kept = math.min(burst * tonumber(ARGV[2]), burst - 1)
  local free = math.floor(tokens - kept)
  local worth = tonumber(ARGV[2]) > 0 and math.min(tonumber(ARGV[1]), burst - kept, math.max(1, rate * share / 4)) or 1
  if free < 1 then wait = math.max(wait, (worth + kept - tokens) / (rate * share)) end
  granted = math.max(math.min(granted, free), 0)
  found[i] = {{tokens, share}}
end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'tokens', found[i][1] - granted, 'at', now, 'share', found[i][2])
  redis.call('EXPIRE', key, 3600)
end
return {{granted, math.ceil(wait * 1000)}}
"""
#: KEYS a bucket; ARGV rate, burst. Halves its share, at most once in half a second, and empties it.
SLOW = f"""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local b = redis.call('HMGET', KEYS[1], 'share', 'slowed')
local share = tonumber(b[1] or 1)
if now - tonumber(b[2] or 0) >= 0.5 then
  share = math.max({LOWEST}, share / 2)
  redis.call('HSET', KEYS[1], 'slowed', now)
end
redis.call('HSET', KEYS[1], 'tokens', 0, 'at', now, 'share', share)
redis.call('EXPIRE', KEYS[1], 3600)
return tostring(share)
"""


@dataclass(frozen=True)
class Limit:
    """So many a second, and as many at once as `burst`."""

    name: str
    per_second: float
    burst: float

    @property
    def key(self) -> str:
        """Its bucket in Valkey."""
        return f"sintalk:tps:{self.name}"


@dataclass(frozen=True)
class Grant:
    """So many may leave now; where that is none, ask again after `wait_s`."""

    count: int
    wait_s: float = 0.0


def limits(carrier: Carrier, tenant_id: UUID, channel: str, per_second: float | None) -> list[Limit]:
    """What holds for a tenant's messages on this carrier; nothing where nobody set a limit."""
    found = [_of_carrier(carrier)] if carrier.limits.tps else []
    if per_second:
        found.append(Limit(f"tenant:{tenant_id}:{channel}", per_second, max(per_second, 1)))
    return found


def take(asked: list[Limit], wanted: int, *, single: bool) -> Grant:
    """Take up to so many tokens of all of these buckets. No transaction is open meanwhile."""
    if not asked:
        return Grant(wanted)
    count, wait_s = _buckets(current_app.config["REDIS_URL"]).take(asked, wanted, 0.0 if single else KEEP)
    return Grant(count, min(max(wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S))


def give_back(asked: list[Limit], count: int) -> None:
    """So many of them were not needed."""
    if asked and count > 0:
        _buckets(current_app.config["REDIS_URL"]).give_back(asked, count)


def slow_down(carrier: Carrier) -> None:
    """The carrier said "too fast": half the rate from here on, that climbs back slowly."""
    if carrier.limits.tps:
        _buckets(current_app.config["REDIS_URL"]).slow(_of_carrier(carrier))


def _of_carrier(carrier: Carrier) -> Limit:
    tps = carrier.limits.tps or 0.0
    return Limit(f"carrier:{carrier.info.name}", tps, carrier.limits.burst or max(tps, 1))


class Buckets:
    """The buckets in Valkey or, while that is away, a part of each here."""

    def __init__(self, url: str | None) -> None:
        self._valkey = None
        if url:
            self._valkey = Redis.from_url(
                url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
            )
            self._take, self._slow = self._valkey.register_script(TAKE), self._valkey.register_script(SLOW)
        self._asked_again_at = 0.0
        self._own: dict[str, tuple[float, float, float]] = {}
        self._workers = 1
        self._lock = threading.Lock()

    def take(self, asked: list[Limit], wanted: int, keep: float) -> tuple[int, float]:
        """How many of these are granted, and after how many seconds there may be more."""
        if self._valkey is not None and time.monotonic() >= self._asked_again_at:
            numbers = [number for limit in asked for number in (limit.per_second, limit.burst)]
            try:
                keys = [limit.key for limit in asked]
                count, wait_ms = self._take(keys=keys, args=[wanted, keep, *numbers])
                return int(count), int(wait_ms) / 1000
            except RedisError as error:
                self._alone(error)
        return self._take_own(asked, wanted, keep)

    def give_back(self, asked: list[Limit], count: int) -> None:
        """Put tokens back; no bucket holds more than its burst, which `take` sees to."""
        if self._valkey is not None and time.monotonic() >= self._asked_again_at:
            try:
                for limit in asked:
                    self._valkey.hincrbyfloat(limit.key, "tokens", count)
                return
            except RedisError as error:
                self._alone(error)
        with self._lock:
            for limit in asked:
                tokens, at, share = self._own.get(limit.name, (0.0, time.monotonic(), 1.0))
                self._own[limit.name] = (tokens + count, at, share)

    def slow(self, limit: Limit) -> None:
        """Half the rate."""
        if self._valkey is not None and time.monotonic() >= self._asked_again_at:
            try:
                share = float(self._slow(keys=[limit.key], args=[limit.per_second, limit.burst]))
                log.warning("%s says too fast: %d%% of its rate for now", limit.name, round(share * 100))
                return
            except RedisError as error:
                self._alone(error)
        with self._lock:
            _, _, share = self._own.get(limit.name, (0.0, 0.0, 1.0))
            self._own[limit.name] = (0.0, time.monotonic(), max(LOWEST, share / 2))

    def _alone(self, error: RedisError) -> None:
        self._asked_again_at = time.monotonic() + LEFT_ALONE
        self._workers = max(seen_lately().get("dispatch", 0), 1)
        release()
        log.warning("each of %d workers keeps to its part of the rates: %s", self._workers, error)

    def _take_own(self, asked: list[Limit], wanted: int, keep: float) -> tuple[int, float]:
        moment, wait, count = time.monotonic(), 0.0, wanted
        with self._lock:
            for limit in asked:
                rate, burst = limit.per_second / self._workers, max(limit.burst / self._workers, 1.0)
                # it begins empty: what Valkey's bucket gave away a moment ago is not known here
                tokens, at, share = self._own.get(limit.name, (0.0, moment, 1.0))
                share = min(1.0, share + (moment - at) * CLIMB)
                tokens = min(burst, tokens + (moment - at) * rate * share)
                kept = min(burst * keep, burst - 1)
                free = int(tokens - kept)
                worth = min(wanted, burst - kept, max(1.0, rate * share / 4)) if keep else 1.0
                if free < 1:
                    wait = max(wait, (worth + kept - tokens) / (rate * share))
                count = max(min(count, free), 0)
                self._own[limit.name] = (tokens, moment, share)
            for limit in asked:
                tokens, at, share = self._own[limit.name]
                self._own[limit.name] = (tokens - count, at, share)
        return count, wait


@cache
def _buckets(url: str | None) -> Buckets:
    return Buckets(url)

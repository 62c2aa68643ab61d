"""Using the simulator's phones from here: what `phones.py` takes, over its socket."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx

from sintalk.config import Settings

#: A page waits for this, so it is short.
TIMEOUT_S = 2.0


class Power(NamedTuple):
    """Whether a phone is on, and how many messages wait for it."""

    on: bool
    waiting: int


class Away(Exception):
    """The simulator does not answer."""


def use(settings: Settings, phone: str, do: str, **what: Any) -> Power:
    """Do something with the phone of this number (E.164); how it stands then. Raises Away."""
    if not settings.simulator_url:
        raise Away
    url = settings.simulator_url.rstrip("/") + "/phones"
    body = {"phone": phone, "do": do, **{name: value for name, value in what.items() if value is not None}}
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:  # loopback: no proxy
            answer = client.post(url, json=body).raise_for_status().json()
        return Power(on=not answer["off"], waiting=answer["waiting"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise Away from error

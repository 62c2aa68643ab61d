"""The pipeline over real sockets: a simulator process, and our web server for its receipts."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.serving import make_server

from sintalk import create_app
from sintalk.config import Settings
from sintalk.db import atomic, db, release, session
from sintalk.messages import dispatcher, reaper, receipts, service, settling
from sintalk.messages.models import Dispatch
from sintalk.messages.service import Draft
from tests.carriers.running import Running, free_port

PRICE = 80_000


@contextmanager
def pipeline(settings: Settings, folder: Path, **env: str) -> Iterator[tuple[Flask, Running]]:
    """An application with its context pushed, its web server on a port, and a simulator that calls it back."""
    port = free_port()
    simulator = Running(folder, env={"SINTALK_SECRET_KEY": settings.secret_key or "", **env}).start()
    app = create_app(
        replace(
            settings,
            port=port,
            public_url=f"http://127.0.0.1:{port}",
            simulator_url=simulator.settings.simulator_url,
            simulator_idempotent=simulator.settings.simulator_idempotent,
            simulator_lookup=simulator.settings.simulator_lookup,
            simulator_tps=simulator.settings.simulator_tps,
        )
    )
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with app.app_context():
            yield app, simulator
            release()
            db.session.remove()
            db.engine.dispose()
    finally:
        server.shutdown()
        simulator.kill()


def drafts(*endings: str, each: int = 1) -> list[Draft]:
    """Recipients whose numbers end so; the simulator decides by it what becomes of them."""
    return [
        Draft(
            contact_id=None,
            phone=f"+55119{place:02d}{number:02d}{ending}",
            name="Ana",
            text="Olá Ana",
            encoding="ucs2",
            segments=1,
            price_micros=PRICE,
        )
        for place, ending in enumerate(endings)
        for number in range(each)
    ]


def fill(dispatch: Dispatch, rows: Sequence[Draft]) -> None:
    """Write these down as the dispatch's next chunks."""
    with atomic():
        pieces = service.cut(dispatch, rows, no=dispatch.chunks, template_id=None)
        service.write(dispatch, pieces, template_id=None)
    session().refresh(dispatch)


def ready_dispatch(tenant_id: UUID, rows: list[Draft], *, channel: str = "sms") -> Dispatch:
    """A dispatch of these, in chunks, its money held."""
    dispatch = service.open_dispatch(tenant_id, campaign_id=None, channel=channel, carrier="simulator")
    fill(dispatch, rows)
    service.reserve(dispatch, memo="test")
    return dispatch


def work_until(true: Callable[[], Any], *, within_s: float = 30.0) -> Any:
    """Do what worker and sweeper do, until this is true."""
    give_up = time.monotonic() + within_s
    while True:
        reaper.reap()
        dispatcher.drain()
        receipts.apply_waiting()
        settling.settle_due()
        release()
        if result := true():
            return result
        assert time.monotonic() < give_up, "still not true"
        time.sleep(0.05)


def counts(dispatch: Dispatch) -> dict[str, int]:
    """The dispatch's counters that are not zero, read anew."""
    session().refresh(dispatch)
    from sintalk.messages.states import STATUSES

    return {name: getattr(dispatch, name) for name in STATUSES if getattr(dispatch, name)}


def times_accepted(simulator: Running) -> Counter[str]:
    """How often the carrier took each message, by its own log."""
    return Counter(line["id"] for line in simulator.accepted())

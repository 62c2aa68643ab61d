"""Lists and stats over a big database against the same ones over a small one, in one run.

Both stand in one embedded PostgreSQL and are asked through the application itself, key check, rate limit and
JSON included, in turns. Nothing may take more than 1.5 times as long, and no plan may scan a table or read
more rows than a bound.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from bench.bulk import Made, Size, fill
from bench.harness import say
from sintalk import create_app, migrating
from sintalk.accounts import service as accounts
from sintalk.accounts.models import User
from sintalk.auth import service as auth
from sintalk.auth.guards import SESSION_KEY
from sintalk.config import Settings
from sintalk.db import db, new_id, now, release
from sintalk.servers import start_stack
from sintalk.web.schemas import rfc3339

SMALL = Size(notifications=5_000, contacts=1_000)
LIMIT = 1.5
ROUNDS = 21
#: No step of a plan may read more rows than this: a bounded count, and what one look takes in.
MOST_ROWS = 10_001
#: Tables smaller than this are read whole by any sensible plan.
SMALL_TABLE = 2_000


@dataclass
class Database:
    """One of the two: its application, who asks, and what is in it."""

    app: Flask
    url: str
    client: FlaskClient
    headers: dict[str, str]
    made: Made
    size: Size
    middles: dict[str, UUID] = field(default_factory=dict)

    def path(self, template: str) -> str:
        """The address with this database's ids in it; `{after_table}` is an id half way down that table."""
        words = {
            "list": self.made.list_id,
            "campaign": self.made.campaign_id,
            "webhook": self.made.webhook_id,
        }
        middles = {f"after_{table}": row for table, row in self.middles.items()}
        days = {f"days_ago_{days}": _days_ago(days) for days in (10, 20)}
        return template.format(**words, **middles, **days)


@dataclass(frozen=True)
class Timing:
    """Medians in milliseconds."""

    name: str
    small: float
    large: float
    faults: tuple[str, ...]
    plans: tuple[str, ...]

    @property
    def ratio(self) -> float:
        return self.large / self.small

    @property
    def good(self) -> bool:
        return self.ratio <= LIMIT and not self.faults


API = [
    ("notifications", "/notifications"),
    ("  middle", "/notifications?after={after_notifications}"),
    ("  channel (rare)", "/notifications?channel=voice"),
    ("  status delivered", "/notifications?status=delivered"),
    ("  status error", "/notifications?status=error"),
    ("  status error, middle", "/notifications?status=error&after={after_notifications}"),
    ("  status unknown", "/notifications?status=unknown&limit=5"),
    ("  status sent (rare)", "/notifications?status=sent&limit=5"),
    ("  status queued (oldest)", "/notifications?status=queued&limit=1"),
    ("  status sending (none)", "/notifications?status=sending"),
    ("  channel and status", "/notifications?channel=sms&status=not_delivered"),
    ("  from", "/notifications?from={days_ago_20}"),
    ("  from and to", "/notifications?from={days_ago_20}&to={days_ago_10}"),
    ("  campaign", "/notifications?campaign_id={campaign}"),
    ("  campaign and status", "/notifications?campaign_id={campaign}&status=error&limit=2"),
    ("  phone", "/notifications?phone=%2B5511900000500"),
    ("  external_id", "/notifications?external_id=order-1000"),
    ("contacts", "/contact-lists/{list}/contacts"),
    ("  middle", "/contact-lists/{list}/contacts?after={after_contacts}"),
    ("  search, a common name", "/contact-lists/{list}/contacts?search=maria"),
    ("  search, a rare name", "/contact-lists/{list}/contacts?search=brigida%20b9&limit=5"),
    ("  search, a phone", "/contact-lists/{list}/contacts?search=11900000500"),
    ("  phone", "/contact-lists/{list}/contacts?phone=%2B5511900000500"),
    ("  email", "/contact-lists/{list}/contacts?email=p500@example.com"),
    ("contact lists", "/contact-lists"),
    ("campaigns", "/campaigns"),
    ("  middle", "/campaigns?after={after_campaigns}"),
    ("  status", "/campaigns?status=draft&limit=5"),
    ("  status paused (oldest)", "/campaigns?status=paused"),
    ("  channel", "/campaigns?channel=voice&limit=3"),
    ("  stats", "/campaigns/{campaign}/stats"),
    ("templates", "/templates"),
    ("  channel", "/templates?channel=rcs&limit=10"),
    ("files", "/files"),
    ("imports", "/contact-lists/{list}/imports"),
    ("opt-outs", "/opt-outs"),
    ("  middle", "/opt-outs?after={after_opt_outs}"),
    ("  phone", "/opt-outs?phone=%2B5511900000007"),
    ("  channel", "/opt-outs?channel=sms&limit=20"),
    ("balance", "/billing/balance"),
    ("statement", "/billing/statement"),
    ("  middle", "/billing/statement?after={after_ledger_transactions}"),
    ("webhook deliveries", "/webhooks/{webhook}/deliveries"),
    ("  middle", "/webhooks/{webhook}/deliveries?after={after_webhook_deliveries}"),
    ("  state", "/webhooks/{webhook}/deliveries?state=failed&limit=2"),
    ("API keys", "/api-keys"),
]
PAGES = [
    ("page: home", "/"),
    ("page: messages", "/messages"),
    ("page: messages, not delivered", "/messages?status=not_delivered"),
    ("page: people of a list", "/contacts/{list}"),
    ("page: people, searched", "/contacts/{list}?search=maria"),
    ("page: campaigns", "/campaigns"),
    ("page: one campaign", "/campaigns/{campaign}"),
    ("page: balance", "/balance"),
]
DEEP = ("notifications", "contacts", "campaigns", "opt_outs", "ledger_transactions", "webhook_deliveries")


def run(size: Size) -> list[Timing]:
    """All timings, of a database of this size against the small one."""
    with _databases(size) as (small, large):
        wanted = [*((name, f"/api/v1{path}") for name, path in API), *PAGES]
        return [_measured(name, path, small, large) for name, path in wanted]


def report(timings: list[Timing]) -> str:
    """Medians, ratios and the plans of the big database, ready to print."""
    width = max(len(each.name) for each in timings)
    lines = [f"{'median of ' + str(ROUNDS):{width}}  small ms  large ms  ratio"]
    for each in timings:
        verdict = "" if each.good else "  TOO SLOW" if each.ratio > LIMIT else "  " + "; ".join(each.faults)
        lines.append(f"{each.name:{width}}  {each.small:8.2f}  {each.large:8.2f}  {each.ratio:5.2f}{verdict}")
    plans = [f"{each.name.strip()}\n" + "\n".join(f"    {plan}" for plan in each.plans) for each in timings]
    return "\n".join([*lines, "", "Plans over the large database (rows read by each step):", *plans])


@contextmanager
def _databases(size: Size) -> Iterator[tuple[Database, Database]]:
    data = Path(tempfile.mkdtemp(prefix="sintalk-scale-"))
    env = {
        "SINTALK_DATA": str(data),
        "SINTALK_SECRET_KEY": "the benchmark's own",
        "SINTALK_LOG_LEVEL": "WARNING",
    }
    stack = start_stack(data, Settings.from_env(env), durable=False)
    try:
        settings = Settings.from_env({**env, **stack.env})
        yield _database(settings, "small", SMALL), _database(settings, "large", size)
    finally:
        stack.stop(patience=5)
        shutil.rmtree(data, ignore_errors=True)


def _database(settings: Settings, name: str, size: Size) -> Database:
    assert settings.database_url
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = settings.database_url.replace("/sintalk?", f"/{name}?")
    app = create_app(replace(settings, database_url=url))
    app.config["WTF_CSRF_METHODS"] = set()
    with app.app_context():
        migrating.upgrade()
        user = _somebody()
        _, key = auth.create_key(user.tenant_id, name="bench", role="admin", by=user.actor())
        token = auth.begin(user, ip="127.0.0.1")
        release()
        db.engine.dispose()
    with psycopg.connect(url) as connection:
        took = time.perf_counter()
        made = fill(connection, user.tenant_id, size)
        say(f"  in {time.perf_counter() - took:.0f} s")
        middles = {table: _middle(connection, table) for table in DEEP}
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie[SESSION_KEY] = token
    return Database(app, url, client, {"X-API-Key": key}, made, size, middles)


def _somebody() -> User:
    tenant = accounts.create_tenant(name="Bench")
    return accounts.create_user(
        tenant.id, name="Bench", email="bench@example.com", password=str(new_id()), role="owner"
    )


def _days_ago(days: int) -> str:
    return rfc3339(now() - timedelta(days=days))


def _middle(connection: psycopg.Connection[Any], table: str) -> UUID:
    query = f"SELECT id FROM {table} ORDER BY id OFFSET (SELECT count(*) / 2 FROM {table}) LIMIT 1"
    row = connection.execute(query).fetchone()
    assert row
    return UUID(str(row[0]))


def _measured(name: str, template: str, small: Database, large: Database) -> Timing:
    asks = [_asker(database, template) for database in (small, large)]
    times: list[list[float]] = [[], []]
    for turn in range(-4, ROUNDS):
        for ask, taken in zip(asks, times, strict=True):
            began = time.perf_counter()
            ask()
            if turn >= 0:
                taken.append((time.perf_counter() - began) * 1_000)
    faults, plans = _plans(large, asks[1])
    return Timing(name, statistics.median(times[0]), statistics.median(times[1]), faults, plans)


def _asker(database: Database, template: str) -> Callable[[], None]:
    path = database.path(template)
    headers = database.headers if path.startswith("/api/") else {}

    def ask() -> None:
        answer = database.client.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.get_data(as_text=True)[:500])

    return ask


def _plans(database: Database, ask: Callable[[], None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What speaks against the plans of this request's queries, and the plans, a line each."""
    heard: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            heard.append((statement, parameters))

    with database.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    faults, lines = [], []
    with psycopg.connect(database.url) as connection:
        for statement, parameters in heard:
            row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).fetchone()
            assert row
            steps = list(_steps(row[0][0]["Plan"]))
            reads = [step for step in steps if "Relation Name" in step]
            if any(_rows(step) > 1 for step in reads):
                lines.append(" < ".join(_said(step) for step in steps))
            faults += [fault for step in reads for fault in _faults(connection, step)]
    return tuple(dict.fromkeys(faults)), tuple(dict.fromkeys(lines))


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _steps(below)


def _rows(step: dict[str, Any]) -> float:
    """How many rows this step read, those that it threw away too."""
    thrown = step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
    return float((step["Actual Rows"] + thrown) * step["Actual Loops"])


def _said(step: dict[str, Any]) -> str:
    where = step.get("Index Name") or step.get("Relation Name", "")
    return f"{step['Node Type']}{' ' + where if where else ''} {_rows(step):,.0f}"


def _faults(connection: psycopg.Connection[Any], step: dict[str, Any]) -> Iterator[str]:
    table = step["Relation Name"]
    row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", (table,)).fetchone()
    if row and row[0] > SMALL_TABLE and step["Node Type"] == "Seq Scan" and _rows(step) > 1:
        yield f"Seq Scan on {table}"
    if _rows(step) > MOST_ROWS:
        yield f"{_rows(step):,.0f} rows of {table} read"

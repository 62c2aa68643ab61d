"""Health: what a load balancer asks, without a key, and what it must not hear."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sintalk import create_app, heartbeats
from sintalk.db import db, release
from sintalk.queue import queue_names


def work(*queues: str) -> None:
    for queue in queues:
        heartbeats.beat(f"{queue}-1", queue)


def test_alive_is_who_answers(client):
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_ready_is_who_has_all_parts_and_a_worker_for_each_queue(client):
    work(*queue_names())
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert answer.json["parts"] == dict.fromkeys(("database", "queue", "store", "workers"), "ok")


def test_a_queue_that_nobody_serves_is_named(client):
    work("default", "imports")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json["parts"]["workers"] == "none seen lately for dispatch, webhooks"


@pytest.mark.parametrize(
    ("part", "broken"),
    [
        ("database", {"database_url": "postgresql://sintalk:topsecret@127.0.0.1:1/sintalk"}),
        ("queue", {"redis_url": "redis://:topsecret@127.0.0.1:1/0"}),
        ("store", {"s3_endpoint_url": "http://127.0.0.1:1", "s3_secret_access_key": "topsecret"}),
        ("store", {"s3_bucket": "somebody-elses"}),
    ],
)
def test_a_part_that_is_away_is_named_and_no_secret_is_said(own_settings, part, broken):
    app = create_app(replace(own_settings, **broken))
    with app.app_context():
        answer = app.test_client().get("/health/ready")
        release()
        db.engine.dispose()
    assert answer.status_code == 503
    assert answer.json["parts"][part] == "no answer"
    assert "topsecret" not in answer.text
    assert "127.0.0.1" not in answer.text

"""While the database is away everybody is told when to ask again, and the log keeps a line of each."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from sintalk import create_app
from tests.factories import Api


@pytest.fixture
def nowhere(app, own_settings, tmp_path):
    """The same installation, whose database cannot be reached."""
    url = f"postgresql://sintalk@/sintalk?host={tmp_path}"
    return create_app(replace(own_settings, database_url=url))


def test_a_request_is_told_when_to_ask_again(nowhere, api, caplog):
    with caplog.at_level(logging.WARNING):
        answer = Api(nowhere, api.headers["X-API-Key"]).get("/campaigns")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.get_json()["error_code"] == "unavailable"
    said = [record for record in caplog.records if "the database is away" in record.getMessage()]
    assert len(said) == 1 and said[0].exc_info is None


def test_what_is_our_fault_stays_our_fault(app, api, monkeypatch):
    monkeypatch.setattr("sintalk.campaigns.service.campaigns", lambda *_, **__: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert api.get("/campaigns").get_json()["error_code"] == "internal_error"

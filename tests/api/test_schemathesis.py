"""Machines try to break the contract: schemathesis over the document, with all its phases.

A short round in every run of the tests; `SINTALK_SCHEMATHESIS_SECONDS=3600` makes it a nightly one, with fresh
seeds. Whoever has no key is tried too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from sintalk.auth.models import ApiKey
from sintalk.db import atomic
from tests import factories

SECONDS = int(os.environ.get("SINTALK_SCHEMATHESIS_SECONDS", "0"))
pytestmark = [pytest.mark.live, pytest.mark.timeout(SECONDS + 600)]
#: What a schema cannot say (a phone that exists, an id that is ours) is refused with 422, as it should be.
CONFIGURATION = """
[generation]
with-security-parameters = false

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "402", "403", "404", "409", "413", "422", "503"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422"]
"""


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The application behind a socket; the address of its document."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1"
    server.shutdown()
    thread.join()


@pytest.fixture
def key(alice) -> str:
    """A key that may ask as often as it likes."""
    plain = factories.key(alice)
    factories.money(alice.tenant_id, 1000)
    with atomic() as session:
        session.query(ApiKey).update({"rate_limit_per_minute": 10_000_000})
    return plain


def tried(url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    size = (
        ["--max-time", str(SECONDS)]
        if SECONDS
        else ["--max-examples", "3", "--generation-deterministic", "--max-time", "80"]
    )
    words = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    # One worker: two that parse Python at a time can upset each other's count of depth (CPython 3.11, SystemError).
    return subprocess.run(
        [*words, f"{url}/openapi.json", "--url", url, "--no-color", "--workers", "1", *size, *more],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


def test_nothing_breaks_the_contract_with_a_key(served: str, key: str, tmp_path: Path):
    # it would revoke the key that it works with: tests/auth/test_api_keys.py does that
    done = tried(served, tmp_path, "-H", f"X-API-Key: {key}", "--exclude-operation-id", "revokeApiKey")
    assert done.returncode == 0, done.stdout[-20_000:]


def test_nothing_breaks_the_contract_without_a_key(served: str, alice, tmp_path: Path):
    done = tried(
        served, tmp_path, "--phases", "examples,coverage", "--exclude-checks", "positive_data_acceptance"
    )
    assert done.returncode == 0, done.stdout[-20_000:]

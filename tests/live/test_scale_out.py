"""More machines: web and workers elsewhere, with the same addresses and nothing else to configure."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.live.journey import Integrator, accepted, customers
from tests.live.product import ROOT, Product, command, environment, eventually, free_port, processes_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(280)]
ROWS = 6_000
#: The addresses of database, queue and store, the carrier's, and the secret that all machines share.
SHARED = ("DATABASE_URL", "REDIS_URL", "S3_", "SINTALK_SIMULATOR_URL")
SECRET = "shared by all machines"


class Machine:
    """Another machine: a folder of its own, and processes in it."""

    def __init__(self, folder: Path, first: Product) -> None:
        shared = {name: value for name, value in first.servers().items() if name.startswith(SHARED)}
        kept = {
            "SINTALK_SECRET_KEY": SECRET,
            "SINTALK_PUBLIC_URL": first.url,
            "SINTALK_SIMULATOR_IDEMPOTENT": "0",
        }
        self.port = free_port()
        self.env = environment(folder, PORT=str(self.port), **shared, **kept)
        self.folder, self.processes = folder, list[subprocess.Popen[bytes]]()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command(*words), env=self.env, cwd=ROOT)
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        assert all(process.poll() is not None for process in self.processes)


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Product]:
    """Everything but the workers that send. A carrier that takes its time and forgets what it took."""
    product = Product(
        tmp_path / "first",
        SINTALK_WORKERS="default=1,imports=1,webhooks=1",
        SINTALK_SECRET_KEY=SECRET,
        SINTALK_SIMULATOR_IDEMPOTENT="0",
        SINTALK_SIMULATOR_LATENCY_MS="250",
    )
    try:
        yield product.start()
    finally:
        product.end()


def test_a_worker_that_is_told_to_stop_in_the_middle_leaves_nothing_unknown_and_another_goes_on(
    first, tmp_path
):
    here, there = Machine(tmp_path / "here", first), Machine(tmp_path / "there", first)
    try:
        there.start("web")
        shop = Integrator(first)
        list_id, _ = shop.import_list(customers(ROWS))
        campaign_id = shop.draft(list_id, "Oi {{nome}}!")
        eventually(lambda: _answers(there.port), seconds=90)
        shop.http.base_url = httpx.URL(
            f"http://127.0.0.1:{there.port}/api/v1"
        )  # the other machine's web server
        shop.launch(campaign_id)
        # Nobody sends yet, so that the one who is stopped is in the middle of a chunk.
        shop.wait(f"/campaigns/{campaign_id}/stats", lambda seen: seen["queued"] == ROWS)
        stopped = here.start("worker", "dispatch")
        eventually(lambda: shop.stats(campaign_id)["sent"] + shop.stats(campaign_id)["delivered"] >= 400)
        stopped.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert stopped.wait(timeout=20) == 0
        print(f"stopped within {time.monotonic() - began:.1f} s")
        stats = shop.stats(campaign_id)
        assert (stats["sending"], stats["unknown"]) == (0, 0)
        assert 0 < stats["queued"] < ROWS

        here.start("worker", "dispatch")
        there.start("worker", "dispatch")
        stats = shop.wait(
            f"/campaigns/{campaign_id}/stats", lambda seen: seen["delivered"] == ROWS and seen["settled_at"]
        )
        assert (stats["unknown"], stats["reserved_micros"]) == (0, 0)
        took = accepted(first.data)
        assert len(took) == ROWS and set(took.values()) == {1}
        checked = first.run("check")
        assert (checked.returncode, checked.stdout) == (0, "No violation.\n"), checked.stdout
    finally:
        here.end()
        there.end()
    eventually(lambda: not processes_of(here.folder))


def _answers(port: int) -> bool:
    try:
        return (
            httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=2, trust_env=False).status_code == 200
        )
    except httpx.HTTPError:
        return False

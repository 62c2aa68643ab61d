"""`sintalk up`: everything from one command, kept alive, and gone without a trace when it stops."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.live.product import Product, environment, eventually, free_port, processes_of, run

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    running = Product(tmp_path_factory.mktemp("up") / "var")
    try:
        yield running.start()
    finally:
        running.end()


@pytest.fixture
def own_product(tmp_path: Path) -> Iterator[Product]:
    mine = Product(
        tmp_path / "var", SINTALK_WORKERS="default=1,dispatch=1,imports=1,webhooks=1", SINTALK_WEB_WORKERS="1"
    )
    yield mine
    mine.end()


def test_it_says_where_it_is_and_how_to_get_in(product):
    assert f"Address  {product.url}\n" in product.said
    assert f"API      {product.url}/api/v1\n" in product.said
    assert "Sign-in  owner@sintalk.local\n" in product.said
    assert len(product.password()) >= 12
    assert httpx.get(f"{product.url}/health/live").json() == {"status": "ok"}


def test_it_is_ready_in_all_its_parts(product):
    eventually(lambda: product.ready().get("status") == "ok", lambda: str(product.ready()))
    report = product.ready()
    assert report["parts"] == dict.fromkeys(("database", "queue", "store", "workers"), "ok")
    assert report["workers"] == {"default": 1, "dispatch": 2, "imports": 1, "webhooks": 1}


def test_its_secrets_are_in_private_files_and_in_no_log(product):
    assert stat.S_IMODE(product.data.stat().st_mode) == 0o700
    for name in ("secret_key", "run/servers.json"):
        assert stat.S_IMODE((product.data / name).stat().st_mode) == 0o600, name
    secrets = [product.password(), (product.data / "secret_key").read_text().strip()]
    secrets.append(product.servers()["S3_SECRET_ACCESS_KEY"])
    logs = "".join(path.read_text("utf-8", "replace") for path in (product.data / "logs").iterdir())
    assert not [secret for secret in secrets if secret in logs]


def test_another_terminal_finds_the_installation_by_its_folder(product):
    checked = product.run("check")
    assert (checked.returncode, checked.stdout) == (0, "No violation.\n"), checked.stderr


def test_a_worker_that_is_killed_is_back_however_often(product):
    def worker() -> list[int]:
        return processes_of(product.data, "sintalk worker imports")

    for _ in range(5):
        eventually(worker)
        (killed,) = worker()
        os.kill(killed, signal.SIGKILL)
        eventually(lambda gone=killed: gone not in worker())
    eventually(worker)


@pytest.mark.parametrize("part", ["postgres -D", "valkey-server", "weed ", "sintalk simulator", "gunicorn"])
def test_each_part_that_is_killed_is_back_and_all_is_ready_again(product, part):
    before = processes_of(product.data, part)
    assert before, f"no {part}"
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: set(processes_of(product.data, part)) - set(before), product.logs)
    eventually(lambda: product.ready().get("status") == "ok", lambda: f"{product.ready()}\n{product.logs()}")


def test_a_second_start_on_the_same_folder_says_so(product):
    second = run("up", env=environment(product.data, PORT=str(free_port())))
    assert second.returncode == 1
    assert second.stderr.startswith(f"Sintalk runs on {product.data} already (process ")
    assert "set SINTALK_DATA to another folder" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert product.ready()["status"] == "ok"


def test_a_taken_port_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run("up", env=environment(tmp_path / "var", PORT=str(port)))
    assert refused.returncode == 1
    assert refused.stderr == f"Port {port} on 127.0.0.1 is taken; set PORT to another one.\n"
    assert processes_of(tmp_path / "var") == []


def test_an_address_of_another_machine_is_one_sentence(tmp_path):
    refused = run("up", env=environment(tmp_path / "var", HOST="192.0.2.1", PORT=str(free_port())))
    assert refused.returncode == 1
    assert refused.stderr.startswith("HOST=192.0.2.1 is not an address of this machine")


def test_a_folder_without_the_right_to_write_is_one_sentence(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    # Root may write everywhere; without this capability it is as anybody else.
    powers = "-dac_override,-dac_read_search"
    wrapper = ("setpriv", f"--inh-caps={powers}", f"--bounding-set={powers}") if os.geteuid() == 0 else ()
    refused = run("up", env=environment(closed / "var", PORT=str(free_port())), wrapper=wrapper)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"The data folder {closed / 'var'} cannot be used (Permission denied); set SINTALK_DATA to a folder that "
        "this user may write.\n"
    )


def test_a_folder_with_other_things_in_it_stays_as_it_is(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "letters.txt").write_text("dear")
    refused = run("up", env=environment(home, PORT=str(free_port())))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"The folder {home} has other things in it; set SINTALK_DATA")
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    assert [path.name for path in home.iterdir()] == ["letters.txt"]


def test_a_server_that_does_not_start_is_one_sentence_and_leaves_nothing_behind(tmp_path):
    false = str(shutil.which("false"))
    refused = run("up", env=environment(tmp_path / "var", PORT=str(free_port()), SINTALK_VALKEY_BIN=false))
    assert refused.returncode == 1
    assert refused.stderr.startswith("Valkey did not start")
    assert "set REDIS_URL to use your own, or SINTALK_VALKEY_BIN" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert processes_of(tmp_path / "var") == []


def test_a_stop_leaves_no_process_and_a_start_finds_everything_again(own_product):
    key = make_key(own_product.start())
    assert own_product.stop(signal.SIGINT) == 0
    assert processes_of(own_product.data) == []
    assert not (own_product.data / "run/servers.json").exists()
    own_product.start()
    assert "Sign-in  owner@sintalk.local\n" in own_product.said
    assert "Password" not in own_product.said
    assert "recovering" not in own_product.said
    assert still_opens(own_product, key)
    assert own_product.stop(signal.SIGTERM) == 0
    assert processes_of(own_product.data) == []


def test_sudden_death_leaves_no_process_and_the_next_start_recovers(own_product):
    key = make_key(own_product.start())
    own_product.kill()
    eventually(lambda: processes_of(own_product.data) == [], lambda: str(processes_of(own_product.data)))
    own_product.start(until="SeaweedFS is ready")
    own_product.kill()
    own_product.start()  # at once, while the children of the last life are still on their way out
    assert "The last run did not end well; recovering\n" in own_product.said
    assert still_opens(own_product, key)


def test_a_second_ctrl_c_ends_it_at_once(own_product):
    own_product.start(until="SeaweedFS is ready")
    assert own_product.process is not None
    own_product.process.send_signal(signal.SIGINT)
    own_product.process.send_signal(signal.SIGINT)
    own_product.process.wait(30)
    eventually(lambda: processes_of(own_product.data) == [])


def make_key(product: Product) -> str:
    answer = httpx.post(
        f"{product.url}/api/v1/api-keys",
        auth=("owner@sintalk.local", product.password()),
        json={"name": "live"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def still_opens(product: Product, key: str) -> bool:
    return httpx.get(f"{product.url}/api/v1/contact-lists", headers={"X-API-Key": key}).status_code == 200

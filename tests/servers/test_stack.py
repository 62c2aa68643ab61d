"""The embedded servers for real: each test starts its own in a folder of its own."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import boto3
import httpx
import psycopg
import pytest
from botocore.config import Config
from redis import Redis
from redis.exceptions import AuthenticationError

from sintalk.config import Settings
from sintalk.servers import postgres, start_stack
from sintalk.servers.process import MARK, ServerError, leftovers

ROOT = Path(__file__).parent.parent.parent
KEEPER = """
import sys, time
from pathlib import Path
from sintalk.config import Settings
from sintalk.servers import start_stack
data = Path(sys.argv[1])
start_stack(data, Settings.from_env({"SINTALK_DATA": str(data)}))
print("ready", flush=True)
time.sleep(600)
"""


def settings(data: Path, **env: str) -> Settings:
    return Settings.from_env({"SINTALK_DATA": str(data), "PORT": "8765", **env})


def s3(env: dict[str, str]):
    return boto3.client(
        "s3",
        endpoint_url=env["S3_ENDPOINT_URL"],
        aws_access_key_id=env["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=env["S3_SECRET_ACCESS_KEY"],
        region_name=env["S3_REGION"],
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    data = tmp_path_factory.mktemp("stack") / "data"
    running = start_stack(data, settings(data), durable=False)
    yield running
    running.stop()


def test_all_three_are_ready_when_it_returns(stack):
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT lower('ÇÃO'), current_database()").fetchone() == ("ção", "sintalk")
    assert Redis.from_url(stack.env["REDIS_URL"]).set("a", "b")
    s3(stack.env).put_object(Bucket=stack.env["S3_BUCKET"], Key="a", Body=b"b")


def test_a_browser_may_upload_from_our_address_and_from_no_other(stack):
    url = s3(stack.env).generate_presigned_url(
        "put_object",
        Params={"Bucket": stack.env["S3_BUCKET"], "Key": "people.csv", "ContentType": "text/csv"},
    )
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    ours = httpx.options(url, headers={"Origin": "http://localhost:8765", **asks})
    theirs = httpx.options(url, headers={"Origin": "http://evil.example", **asks})
    assert (ours.status_code, theirs.status_code) == (200, 403)
    assert ours.headers["access-control-allow-origin"] == "http://localhost:8765"
    assert httpx.put(url, content=b"hi", headers={"content-type": "text/csv"}).status_code == 200
    assert httpx.put(url, content=b"hi", headers={"content-type": "text/html"}).status_code == 403


def test_nobody_on_the_machine_gets_in_without_our_keys(stack):
    ports = stack.servers["s3"].ports
    s3(stack.env).put_object(Bucket="sintalk", Key="secret", Body=b"x")
    filer = f"http://127.0.0.1:{ports['filer']}/buckets/sintalk"
    assert httpx.get(f"{filer}/secret").status_code == 401
    assert httpx.post(f"{filer}/planted", files={"file": b"x"}).status_code == 401
    assert httpx.get(f"{stack.env['S3_ENDPOINT_URL']}/sintalk/secret").status_code == 403
    with pytest.raises(AuthenticationError):
        Redis(port=stack.servers["valkey"].port).ping()


def test_folders_and_secrets_are_for_our_eyes_only(stack):
    for path in (
        stack.data,
        stack.data / "logs",
        stack.data / "run",
        stack.data / "s3",
        stack.data / "valkey",
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for name in ("s3/keys.json", "s3/s3.json", "s3/security.toml", "valkey/password", "valkey/valkey.conf"):
        assert stat.S_IMODE((stack.data / name).stat().st_mode) == 0o600, name


@pytest.mark.live
def test_what_was_written_is_there_after_a_restart_under_the_same_addresses(tmp_path):
    first = start_stack(tmp_path, settings(tmp_path))
    with psycopg.connect(first.env["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    Redis.from_url(first.env["REDIS_URL"]).set("answer", "42")
    s3(first.env).put_object(Bucket="sintalk", Key="answer", Body=b"42")
    first.stop()
    second = start_stack(tmp_path, settings(tmp_path))
    try:
        assert second.env == first.env
        with psycopg.connect(second.env["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert Redis.from_url(second.env["REDIS_URL"]).get("answer") == b"42"
        assert s3(second.env).get_object(Bucket="sintalk", Key="answer")["Body"].read() == b"42"
    finally:
        second.stop()


@pytest.mark.live
def test_servers_die_with_their_parent_and_the_next_start_recovers(tmp_path):
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == "ready\n"
    assert leftovers(tmp_path)
    keeper.kill()
    keeper.wait()
    eventually(lambda: not leftovers(tmp_path))
    (tmp_path / "postgres/cluster/postmaster.pid").write_text(
        f"{os.getpid()}\n{tmp_path}\n"
    )  # alive, but not it
    start_stack(tmp_path, settings(tmp_path)).stop()
    assert leftovers(tmp_path) == []


@pytest.mark.live
def test_a_child_of_an_earlier_life_is_ended_before_a_start(tmp_path):
    stray = subprocess.Popen(["sleep", "600"], env={MARK: str(tmp_path), "PATH": os.environ["PATH"]})
    start_stack(tmp_path, settings(tmp_path), durable=False, only=["valkey"]).stop()
    assert stray.wait(5) == -signal.SIGKILL


def test_a_server_of_ones_own_is_not_started(tmp_path):
    env = {"DATABASE_URL": "postgresql://u@h/d", "S3_ACCESS_KEY_ID": "mine", "S3_SECRET_ACCESS_KEY": "mine"}
    running = start_stack(tmp_path, settings(tmp_path, **env), durable=False)
    running_names = set(running.children)
    running.stop()
    assert running_names == {"valkey"}
    assert list(running.env) == ["REDIS_URL"]


@pytest.mark.live
def test_a_long_path_gets_its_socket_elsewhere_and_cleans_it_up(tmp_path):
    data = tmp_path / ("x" * 90) / "data"
    running = start_stack(data, settings(data), durable=False, only=["postgres"])
    folder = running.servers["postgres"].sockets
    with psycopg.connect(running.env["DATABASE_URL"]):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    running.stop()
    assert not folder.exists()


@pytest.mark.live
@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs to become somebody else")
def test_root_without_user_namespaces_runs_postgres_as_nobody(tmp_path, monkeypatch):
    which = postgres.shutil.which
    monkeypatch.setattr(postgres.shutil, "which", lambda name: None if name == "unshare" else which(name))
    data = tmp_path / "data"
    running = start_stack(data, settings(data), durable=False, only=["postgres"])
    with psycopg.connect(running.env["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert Path(f"/proc/{running.children['postgres'].pid}").stat().st_uid == postgres.NOBODY
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    running.stop()
    monkeypatch.undo()
    start_stack(data, settings(data), durable=False, only=["postgres"]).stop()


def test_a_binary_that_is_none_gives_one_sentence_that_names_the_variable(tmp_path):
    with pytest.raises(ServerError, match=r"^SINTALK_VALKEY_BIN names /nowhere, which is not a program"):
        start_stack(tmp_path, settings(tmp_path, SINTALK_VALKEY_BIN="/nowhere"), only=["valkey"])


def test_a_server_that_ends_at_once_says_why_and_stops_the_others(tmp_path):
    with pytest.raises(ServerError, match=r"^SeaweedFS did not start .*s3\.log\); set S3_ENDPOINT_URL"):
        start_stack(tmp_path, settings(tmp_path, SINTALK_WEED_BIN="/bin/false"), durable=False)
    assert leftovers(tmp_path) == []


@pytest.mark.live
def test_data_of_another_postgres_version_is_left_alone(tmp_path):
    start_stack(tmp_path, settings(tmp_path), durable=False, only=["postgres"]).stop()
    (tmp_path / "postgres/cluster/PG_VERSION").write_text("12\n")
    with pytest.raises(ServerError, match=r"is of PostgreSQL 12, but .* set SINTALK_PG_BIN"):
        start_stack(tmp_path, settings(tmp_path), durable=False, only=["postgres"])


def eventually(holds, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)

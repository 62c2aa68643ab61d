"""The store's door for other machines: an upload address made for it works through it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.config import Config

from sintalk.config import Settings
from sintalk.servers import door, ports, start_stack

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A store, and a door to it at another port; its addresses."""
    port = ports.pick(["door"], tmp_path / "door.json")["door"]
    data = tmp_path / "data"
    settings = replace(
        Settings.from_env({"SINTALK_DATA": str(data)}), s3_public_url=f"http://localhost:{port}"
    )
    stack = start_stack(data, settings, durable=False, only=["s3"])
    target = stack.env["S3_ENDPOINT_URL"].rpartition(":")[2]
    words = ["-m", "sintalk", "store-door", "127.0.0.1", str(port), target]
    door = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        deadline = time.monotonic() + 15
        while ports.is_free(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield stack.env
    finally:
        door.terminate()
        assert door.wait(10) == 0
        stack.stop()


def test_an_upload_signed_for_the_door_passes_through_it_whole(opened):
    client = boto3.client(
        "s3",
        endpoint_url=opened["S3_PUBLIC_URL"],
        aws_access_key_id=opened["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=opened["S3_SECRET_ACCESS_KEY"],
        region_name=opened["S3_REGION"],
        config=Config(s3={"addressing_style": "path"}),
    )
    where = {"Bucket": opened["S3_BUCKET"], "Key": "people.csv"}
    content = b"nome;telefone\n" * 100_000
    url = client.generate_presigned_url("put_object", Params={**where, "ContentType": "text/csv"})
    assert url.startswith("http://localhost:")
    assert httpx.put(url, content=content, headers={"content-type": "text/csv"}).status_code == 200
    assert client.get_object(**where)["Body"].read() == content
    assert httpx.get(f"{opened['S3_PUBLIC_URL']}/{where['Bucket']}/{where['Key']}").status_code == 403


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"HOST": "localhost"},
        {"HOST": "0.0.0.0", "S3_ENDPOINT_URL": "https://s3.example.com"},
        {"HOST": "0.0.0.0", "S3_PUBLIC_URL": "https://files.example.com"},
    ],
)
def test_there_is_no_door_where_none_is_needed(tmp_path, env):
    settings = Settings.from_env({"SINTALK_DATA": str(tmp_path), **env})
    assert door.plan(settings, print) == (settings, None)


def test_on_a_network_upload_addresses_carry_the_public_name(tmp_path):
    (tmp_path / "run").mkdir()
    said: list[str] = []
    env = {"HOST": "0.0.0.0", "SINTALK_PUBLIC_URL": "https://sintalk.example.com"}
    planned, port = door.plan(Settings.from_env({"SINTALK_DATA": str(tmp_path), **env}), said.append)
    assert planned.s3_public_url == f"http://sintalk.example.com:{port}"
    assert any("set S3_PUBLIC_URL" in line for line in said)

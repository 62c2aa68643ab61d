"""SeaweedFS as the S3 store: `weed mini`, one process, on loopback.

Only its S3 port asks for a signature by itself; the file and volume servers behind it would serve anybody
who reaches loopback, a web page in a browser included. `security.toml` closes them: without a token made from
its random keys they answer 401.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sintalk.servers import binaries, ports
from sintalk.servers.process import private_file, private_folder, server_environment

#: weed listens on each port, and for gRPC on the port this much above it.
GRPC_DISTANCE = 10_000
PARTS = ("s3", "master", "volume", "filer", "admin")
FLAGS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-webdav=false",
    "-volume.preStopSeconds=0",  # nobody else is to be told before the volume goes
    "-admin.ui=false",
    "-master.telemetry=false",  # on by default: it would report to its makers
)


class Seaweed:
    """One store under DATA/s3 with one bucket, which browsers on `origins` may upload to."""

    name = "s3"
    title = "SeaweedFS"
    variables = (
        "S3_ENDPOINT_URL (with S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY) to use your own, or SINTALK_WEED_BIN"
    )
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGTERM
    # Its graceful stop waits for ever on a connection that was kept open; by then all its files are closed.
    patience = 4.0
    outer: Sequence[str] = ()

    def __init__(
        self,
        data: Path,
        *,
        binary: str | None = None,
        bucket: str,
        region: str,
        origins: Sequence[str],
        public_url: str | None = None,
    ) -> None:
        self.bin = binaries.find_weed(binary)
        self.cwd = data / "s3"
        self.bucket, self.region, self.origins = bucket, region, list(origins)
        self.public_url = public_url
        self.ports: dict[str, int] = {}
        self.keys: dict[str, str] = {}

    @property
    def environment(self) -> Mapping[str, str]:
        # Its own home, so that no security.toml or credentials of the person's are read.
        return {**server_environment(), "HOME": str(self.cwd), "TMPDIR": str(self.cwd / "tmp")}

    def prepare(self) -> None:
        private_folder(self.cwd / "tmp")
        private_folder(self.cwd / "files")
        self.clean_up()
        self.ports = ports.pick(PARTS, self.cwd / "ports.json", apart=GRPC_DISTANCE)
        self.keys = self._keys()
        private_file(self.cwd / "s3.json", json.dumps(self._identities()))
        private_file(self.cwd / "security.toml", self._security())

    def command(self) -> list[str]:
        listen = [f"-{part}.port={port}" for part, port in self.ports.items()]
        allowed = ",".join(self.origins)
        return [
            str(self.bin),
            "-logtostderr=true",
            "mini",
            f"-dir={self.cwd / 'files'}",
            f"-s3.config={self.cwd / 's3.json'}",
            f"-s3.allowedOrigins={allowed}",
            f"-filer.allowedOrigins={allowed}",
            *listen,
            *FLAGS,
        ]

    def become_ready(self) -> None:
        """Make the bucket and its rule for browsers, and put one object. Raises while it is too early."""
        client = self._client()
        try:
            client.head_bucket(Bucket=self.bucket)
        except client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            client.create_bucket(Bucket=self.bucket)
        client.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [self._browser_rule()]})
        # The S3 door opens before there is a volume to write to; only a write proves that there is one.
        client.put_object(Bucket=self.bucket, Key=".ready", Body=b"ready")

    def env(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self.ports['s3']}"
        return {
            "S3_ENDPOINT_URL": address,
            "S3_PUBLIC_URL": self.public_url or address,
            "S3_ACCESS_KEY_ID": self.keys["access_key"],
            "S3_SECRET_ACCESS_KEY": self.keys["secret_key"],
            "S3_REGION": self.region,
            "S3_BUCKET": self.bucket,
        }

    def clean_up(self) -> None:
        """weed leaves its sockets in /tmp, named after its ports."""
        for port in ports.recall(self.cwd / "ports.json").values():
            for number in (port, port + GRPC_DISTANCE):
                for stale in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # noqa: S108 - weed's own choice
                    with contextlib.suppress(OSError):
                        stale.unlink()

    def _client(self) -> Any:
        # boto3 takes a third of a second to import; only who starts a store pays for it.
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.env()["S3_ENDPOINT_URL"],
            aws_access_key_id=self.keys["access_key"],
            aws_secret_access_key=self.keys["secret_key"],
            region_name=self.region,
            config=Config(
                retries={"max_attempts": 0},
                connect_timeout=1,
                read_timeout=5,
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )

    def _browser_rule(self) -> dict[str, Any]:
        return {
            "AllowedOrigins": self.origins,
            "AllowedMethods": ["PUT", "POST", "GET", "HEAD"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 600,
        }

    def _keys(self) -> dict[str, str]:
        kept = self.cwd / "keys.json"
        if not kept.exists():
            made = {"access_key": f"sintalk{secrets.token_hex(8)}", "secret_key": secrets.token_urlsafe(32)}
            private_file(kept, json.dumps({**made, "internal_key": secrets.token_urlsafe(32)}))
        return dict(json.loads(kept.read_text()))

    def _identities(self) -> dict[str, Any]:
        pair = {"accessKey": self.keys["access_key"], "secretKey": self.keys["secret_key"]}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        return {"identities": [{"name": "sintalk", "credentials": [pair], "actions": actions}]}

    def _security(self) -> str:
        sections = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
        key = self.keys["internal_key"]
        return "".join(
            f'[{section}]\nkey = "{section}.{key}"\nexpires_after_seconds = 60\n\n' for section in sections
        )

"""The S3 store. Clients of two addresses: ours for working, the public one for the URLs that others get."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from flask import current_app

from sintalk.config import Settings

log = logging.getLogger(__name__)

BLOCK = 256 * 1024
#: Seconds between attempts while the store does not answer.
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)

_GONE = {"404", "NoSuchKey", "NotFound"}
_CHANGED = {"412", "PreconditionFailed"}


class StoreAway(Exception):
    """The store does not answer. Nothing is wrong with the file: try again later."""


class FileGone(Exception):
    """The store has no such file, or other bytes than those that were confirmed."""


@dataclass(frozen=True)
class Stored:
    """What the store says about a file: `size` in bytes."""

    size: int
    content_type: str
    etag: str


class Storage:
    """One bucket."""

    def __init__(self, settings: Settings) -> None:
        self.bucket = settings.s3_bucket
        self._settings = settings
        self._aws = boto3.session.Session()  # one for both: each keeps 13 MB of the service's description
        self._client = _client(self._aws, settings, settings.s3_endpoint_url)

    @cached_property
    def _signer(self) -> Any:
        """Made where somebody uploads: workers never do."""
        return _client(self._aws, self._settings, self._settings.s3_public_url)

    def presign_put(self, key: str, *, content_type: str, size: int | None, expires_in: int) -> str:
        """A URL that takes exactly this key, content type and, where given, number of bytes."""
        params: dict[str, Any] = {"Bucket": self.bucket, "Key": key, "ContentType": content_type}
        if size is not None:
            params["ContentLength"] = size
        return str(self._signer.generate_presigned_url("put_object", Params=params, ExpiresIn=expires_in))

    def head(self, key: str) -> Stored:
        """Raises FileGone, StoreAway."""
        found = self._ask("head_object", Key=key)
        return Stored(found["ContentLength"], found.get("ContentType", ""), found["ETag"])

    def beginning(self, key: str, length: int, *, etag: str) -> bytes:
        """The first bytes, no more than `length`. Raises FileGone (also for another ETag), StoreAway."""
        answer = self._ask("get_object", Key=key, Range=f"bytes=0-{length - 1}", IfMatch=etag)
        try:
            return bytes(answer["Body"].read())
        except BotoCoreError as error:
            raise StoreAway from error

    def stream(self, key: str, *, etag: str, offset: int = 0) -> Iterator[bytes]:
        """The bytes from `offset` on, in blocks. A cut connection is taken up again where it broke.

        Raises FileGone (also where the bytes are no longer those of this ETag), and StoreAway when the store
        stays silent for some seconds.
        """
        size = self.head(key).size
        failures = 0
        while offset < size:
            try:
                answer = self._ask("get_object", Key=key, Range=f"bytes={offset}-", IfMatch=etag)
                for block in answer["Body"].iter_chunks(BLOCK):
                    offset += len(block)
                    failures = 0
                    yield block
            except (StoreAway, BotoCoreError) as error:
                if failures == len(PAUSES):
                    raise StoreAway from error
                log.warning("the store broke off at byte %s of %s: %s", offset, key, error)
                time.sleep(PAUSES[failures])
                failures += 1

    def put(self, key: str, body: IO[bytes], *, content_type: str) -> None:
        """Store what this file object holds. Raises StoreAway."""
        self._ask("put_object", Key=key, Body=body, ContentType=content_type)

    def delete(self, key: str) -> None:
        """Remove it; nothing happens where there is none. Raises StoreAway."""
        self._ask("delete_object", Key=key)

    def _ask(self, operation: str, **params: Any) -> Any:
        try:
            return getattr(self._client, operation)(Bucket=self.bucket, **params)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _GONE | _CHANGED:
                raise FileGone(code) from error
            raise StoreAway(code) from error
        except BotoCoreError as error:
            raise StoreAway(str(error)) from error


def storage() -> Storage:
    """The store of this application."""
    known: Storage | None = current_app.extensions.get("sintalk_storage")
    if known is None:
        known = current_app.extensions["sintalk_storage"] = Storage(current_app.config["SETTINGS"])
    return known


def _client(aws: boto3.session.Session, settings: Settings, endpoint: str | None) -> Any:
    return aws.client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint else "virtual"},
            connect_timeout=3,
            read_timeout=20,
            retries={"max_attempts": 2, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )

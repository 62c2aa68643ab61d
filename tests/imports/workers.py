"""Real processes of the product, for one test's servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).parents[2]


def environment(app: Flask) -> dict[str, str]:
    """What a process needs to work for this application."""
    settings = app.config["SETTINGS"]
    return {
        "PATH": os.environ["PATH"],
        "SINTALK_DATA": str(settings.data),
        "SINTALK_SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "S3_ENDPOINT_URL": settings.s3_endpoint_url,
        "S3_ACCESS_KEY_ID": settings.s3_access_key_id,
        "S3_SECRET_ACCESS_KEY": settings.s3_secret_access_key,
    }


@contextmanager
def running(app: Flask, *command: str) -> Iterator[int]:
    """A process of the product, `running(app, "worker", "imports")`: its id, until it is told to stop."""
    process = subprocess.Popen([sys.executable, "-m", "sintalk", *command], env=environment(app), cwd=ROOT)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def peak_mb(pid: int) -> int:
    """The most memory that this process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 // 1_000_000

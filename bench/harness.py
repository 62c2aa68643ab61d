"""The product under test, what is measured, and the table at the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from sintalk import create_app
from sintalk.accounts import service as accounts
from sintalk.accounts.models import User
from sintalk.billing import service as billing
from sintalk.config import Settings
from sintalk.db import db, new_id, release
from sintalk.servers.ports import is_free

ROOT = Path(__file__).parent.parent
KEPT = ("PATH", "HOME", "LANG", "SSL_CERT_FILE")
SECRET = "the benchmark's own"


@dataclass(frozen=True)
class Figure:
    """`ours` and `theirs` in things a second; `limit` is the least that `ours / theirs` may be."""

    name: str
    ours: float
    against: str
    theirs: float
    limit: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    @property
    def good(self) -> bool:
        return self.limit is None or self.ratio >= self.limit


@dataclass(frozen=True)
class Bound:
    """Something that may not be more than `limit`, in seconds or megabytes; without a limit it is only told."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def good(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        limit = (
            "" if self.limit is None else f", at most {self.limit:g}: {'good' if self.good else 'TOO MUCH'}"
        )
        return f"{self.name}: {self.value:,.1f} {self.unit}{limit}"


@dataclass
class Product:
    """A running product: its application with the context pushed, and somebody rich to act as."""

    app: Flask
    settings: Settings
    owner: User
    pid: int

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A bare connection to the product's database, as the baselines use it."""
        assert self.settings.database_url
        with psycopg.connect(self.settings.database_url) as connection:
            yield connection

    def worker_peak_mb(self, queue: str) -> float:
        """The most memory that a worker of this queue ever had: VmHWM, in MB."""
        words = b"\0worker\0" + queue.encode()
        mine = [
            path
            for path in Path("/proc").glob("[0-9]*/status")
            if words in _read(path.with_name("cmdline")) and self.pid in _ancestors(path)
        ]
        return max(int(_field(path, "VmHWM")) * 1024 / 1e6 for path in mine)

    def cpu_s(self) -> float:
        """Seconds of processors that all its processes have spent so far, those that are gone not counted."""
        fields = [
            _read(path.with_name("stat")).decode().rpartition(")")[2].split()
            for path in Path("/proc").glob("[0-9]*/status")
            if self.pid in _ancestors(path)
        ]
        return sum(int(each[11]) + int(each[12]) for each in fields if each) / os.sysconf("SC_CLK_TCK")

    @property
    def accepted_log(self) -> Path:
        return self.settings.data / "simulator" / "accepted.jsonl"


@contextmanager
def product(**more: str) -> Iterator[Product]:
    """`sintalk up` on a new folder, stopped and thrown away at the end; after a failure the folder stays.

    `more`: settings besides the usual ones, by their names in the environment.
    """
    data = Path(tempfile.mkdtemp(prefix="sintalk-bench-"))
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env |= {
        "SINTALK_DATA": str(data),
        "SINTALK_SECRET_KEY": SECRET,
        "SINTALK_LOG_LEVEL": "WARNING",
        "PORT": str(next(port for port in range(22_100, 23_000) if is_free(port))),
        **more,
    }
    say(f"Starting the product in {data}")
    process = start(env)
    try:
        settings = Settings.from_env(env)
        app = create_app(settings)
        with app.app_context():
            yield Product(app, settings, _somebody_rich(), process.pid)
            db.session.remove()
            db.engine.dispose()
    except BaseException:
        say(f"See {data / 'logs'}")
        raise
    else:
        _stop(process)
        shutil.rmtree(data, ignore_errors=True)
    finally:
        _stop(process)


def start(env: dict[str, str]) -> subprocess.Popen[str]:
    """Start it and read along until it is ready. Raises RuntimeError with what it said where it does not come up."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sintalk", "up", "--with-parent"],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C stops it" in line:
            return process
    raise RuntimeError(f"the product did not come up:\n{''.join(said)}")


def say(line: str) -> None:
    """What is going on, for the person who waits."""
    print(line, file=sys.stderr, flush=True)


def timed(work: Callable[[], Any]) -> float:
    """How long this takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def wait(true: Callable[[], Any], *, what: str, patience_s: float) -> Any:
    """Look twice a second until this is true. Raises TimeoutError."""
    give_up = time.monotonic() + patience_s
    while not (found := true()):
        release()
        if time.monotonic() > give_up:
            raise TimeoutError(f"{what}: not within {patience_s:.0f} s")
        time.sleep(0.5)
    release()
    return found


def table(figures: Sequence[Figure]) -> str:
    """All figures, ready to print."""
    rows = [("what", "a second", "against", "a second", "ratio", "at least", "")]
    for each in figures:
        limit = "" if each.limit is None else f"{each.limit:.2f}"
        verdict = "" if each.limit is None else "good" if each.good else "TOO LOW"
        rates = f"{each.ours:,.0f}", f"{each.theirs:,.0f}"
        rows.append((each.name, rates[0], each.against, rates[1], f"{each.ratio:.2f}", limit, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in (0, 2, 6) else cell.rjust(width) for place, cell, width in cells
        )
        for cells in (list(zip(range(7), row, widths, strict=True)) for row in rows)
    )


def _read(path: Path) -> bytes:
    """What a file of /proc says; nothing where its process has gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _field(status: Path, name: str) -> str:
    return (_read(status).decode().partition(f"{name}:")[2].split() or ["0"])[0]


def _ancestors(status: Path) -> Iterator[int]:
    """The processes above this one."""
    while (parent := int(_field(status, "PPid"))) > 1:
        yield parent
        status = Path(f"/proc/{parent}/status")


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def _somebody_rich() -> User:
    tenant = accounts.create_tenant(name="Bench")
    user = accounts.create_user(
        tenant.id, name="Bench", email="bench@sintalk.example", password=str(new_id()), role="owner"
    )
    billing.top_up(tenant.id, 10**15, key="bench", memo="bench")
    return user

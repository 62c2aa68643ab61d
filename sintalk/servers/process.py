"""Child processes that never outlive us, and the search for those of an earlier life.

Every child is told by the kernel when its parent dies (`setpriv --pdeathsig`; the kernel watches the *thread*
that forked, hence the main thread only), and carries a mark in its environment by which the next start finds
whatever slipped through.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sintalk.config import ConfigError

#: The mark: an environment variable of every child, with the data folder as its value.
MARK = "SINTALK_CHILD_OF"
PR_SET_PDEATHSIG = 1
#: A log larger than this (bytes) is set aside, once, when its process starts.
LOG_LIMIT = 10_000_000
#: What a server gets of our environment. Not all: PGDATA, AWS_* or S3_BUCKET would change what it does.
SERVER_ENV = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")


class ServerError(ConfigError):
    """A server cannot be started; the message is one sentence that names the variable to change."""


class StopAskedError(BaseException):
    """The person wants it to end. Raised where we look, never by a signal handler: one raised there can land
    inside a destructor, where Python swallows it. Not an Exception: nothing on the way may catch it."""


@dataclass
class Child:
    """A process that we started, the signal that asks it to stop, and where it writes."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals
    started: float

    @property
    def pid(self) -> int:
        return self.popen.pid

    def alive(self) -> bool:
        return self.popen.poll() is None

    def ask_to_stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(self.stop_signal)

    def kill(self) -> None:
        """End the process and all of its session, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self, patience: float = 10.0) -> None:
        """Ask, wait up to `patience` seconds, then insist."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(patience)
        self.kill()


def server_environment() -> dict[str, str]:
    """The small environment that a database or store is started with."""
    return {name: os.environ[name] for name in SERVER_ENV if name in os.environ}


def spawn(
    name: str,
    argv: Sequence[str | Path],
    *,
    data: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals = signal.SIGKILL,
    outer: Sequence[str] = (),
) -> Child:
    """Start `argv` in a session of its own, writing to DATA/logs/NAME.log; `death_signal` comes when we die.

    `outer` is a wrapper that changes credentials (`unshare ...`). It comes before setpriv, because the kernel
    forgets the death signal when credentials change.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("spawn() in the main thread only: a child dies with the thread that started it")
    log = log_file(data, name)
    with log.open("ab") as out:
        popen = subprocess.Popen(
            [*outer, *die_with_us(death_signal), *map(str, argv)],
            env={**env, MARK: str(data)},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name, popen, log, stop_signal, time.monotonic())


def die_with_us(death_signal: signal.Signals = signal.SIGKILL) -> list[str]:
    """What to put before a command so that the kernel signals it when we end."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG"), "--"] if setpriv else []


def collect_seldom() -> None:
    """What is loaded by now stays, so the collector of cycles need not look at it again; nor after every 700 new
    objects: a sub-batch makes thousands. Not much more seldom either: httpx's answers are cycles, of 70 KB each with
    what was sent, and a hundred of them lie about by then.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def die_with_parent(death_signal: signal.Signals = signal.SIGKILL) -> None:
    """For a process that was forked, not started by `spawn()`: end when the parent ends (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal.value, 0, 0, 0)


def private_folder(path: Path) -> Path:
    """The folder, made with its parents where missing, for our eyes only (0700)."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)
    return path


def private_file(path: Path, text: str) -> Path:
    """Write `text` so that nobody else can read it, not even for a moment, and never half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    return fresh.replace(path)


def log_file(data: Path, name: str) -> Path:
    """DATA/logs/NAME.log; a large one of before is moved aside to NAME.log.1."""
    log = private_folder(data / "logs") / f"{name}.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    return log


def last_words(log: Path) -> str:
    """The last line of a log that says something, for the sentence about a process that did not start."""
    with contextlib.suppress(OSError):
        for line in reversed(log.read_text("utf-8", "replace").splitlines()[-50:]):
            if line.strip():
                return line.strip()[:300]
    return "it said nothing"


def leftovers(data: Path) -> list[int]:
    """Processes of an earlier run on this data folder that are still there; ask while holding the lock."""
    mark = f"{MARK}={data}".encode()
    found = []
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0") or _is_postgres_of(entry, data):
                    found.append(int(entry.name))
    return found


def _is_postgres_of(entry: Path, data: Path) -> bool:
    """PostgreSQL's backends write their status over their environment; they are known by where they stand."""
    exe, cwd = (entry / "exe").readlink().name, (entry / "cwd").readlink()
    return exe.startswith("postgres") and cwd == (data / "postgres" / "cluster").resolve()


def end_leftovers(data: Path, patience: float = 5.0) -> int:
    """Wait for the processes of an earlier life to go by themselves, then end them. Returns how many."""
    count, deadline = len(leftovers(data)), time.monotonic() + patience
    while pids := leftovers(data):
        if time.monotonic() > deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return count

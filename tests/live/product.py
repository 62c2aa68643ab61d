"""The whole product as its own processes, and what can be seen of them from outside."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from sintalk.servers import ports

ROOT = Path(__file__).parent.parent.parent
KEPT = ("PATH", "HOME", "LANG", "SSL_CERT_FILE")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sintalk", *words]


def environment(data: Path, **more: str) -> dict[str, str]:
    """What a self-hoster's shell would have, and no more."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "SINTALK_DATA": str(data), **more}


def free_port() -> int:
    """By chance, so that two runs of the tests on one machine do not get the same one."""
    while not ports.is_free(port := random.randint(23_000, 29_000)):
        pass
    return port


class Product:
    """`sintalk up` on a folder, and what it says."""

    def __init__(self, data: Path, **env: str) -> None:
        self.data = data
        self.env = environment(data, **{"PORT": str(free_port()), "SINTALK_DEMO": "1", **env})
        self.url = f"http://127.0.0.1:{self.env['PORT']}"
        self.said = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self, until: str = "Ctrl-C stops it") -> Product:
        """Start, and read along until it says that it is ready, or this."""
        self.said = ""
        self.process = subprocess.Popen(
            command("up"),
            env=self.env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if until in line:
                return self
        raise AssertionError(f"it did not come up:\n{self.said}\n{self.logs()}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop as Ctrl-C does; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """For the end of a test, however it went."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        until = time.monotonic() + 20
        while (pids := processes_of(self.data)) and time.monotonic() < until:  # some were born meanwhile
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)  # what was killed is there for a moment yet

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another terminal: a command on the same folder, with nothing else in its environment."""
        return run(*words, env=environment(self.data))

    def ready(self) -> dict[str, Any]:
        """The readiness report; `{}` while nobody answers."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health/ready", timeout=10).json()
        return {}

    def password(self) -> str:
        found = re.search(r"Password +(\S+)", self.said)
        assert found, self.said
        return found[1]

    def servers(self) -> dict[str, str]:
        return json.loads((self.data / "run/servers.json").read_text())

    def logs(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text()[-2000:]}"
            for path in sorted((self.data / "logs").glob("*.log"))
        )


def run(*words: str, env: dict[str, str], wrapper: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A `sintalk` command that ends by itself."""
    return subprocess.run(
        [*wrapper, *command(*words)],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def processes_of(data: Path, doing: str = "") -> list[int]:
    """Processes that have this folder in their command line, environment or under their feet.

    `doing`: only those with these words in their command line.
    """
    return sorted(pid for pid, words in _all_of(data) if doing in words)


def _all_of(data: Path) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            seen = words + (entry / "environ").read_bytes()
            here = (entry / "cwd").readlink()
            alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if alive and (os.fsencode(data) in seen or here.is_relative_to(data)):
                yield int(entry.name), words.decode("utf-8", "replace")


def eventually(holds: Callable[[], Any], why: Callable[[], str] = lambda: "", seconds: float = 60.0) -> None:
    """Wait until it holds. The limit is for what never comes, not a measure of speed."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not come to pass {why()}"
        time.sleep(0.05)

"""`sintalk up`: one foreground process that starts the whole product, keeps it alive and takes it down.

Single-threaded on purpose: the kernel ends a child when the *thread* that started it ends, and a loop that
looks at twenty processes ten times a second needs no more. Every child is started again, for ever.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import httpx

from sintalk.config import ConfigError, Settings, servers_file
from sintalk.servers import door, folder, ports
from sintalk.servers.process import (
    MARK,
    Child,
    StopAskedError,
    die_with_us,
    end_leftovers,
    last_words,
    log_file,
    private_file,
    spawn,
)
from sintalk.servers.stack import Stack, start_stack

ROOT = Path(__file__).parent.parent.parent
#: A child that ends at once is started again this many seconds after its last start, for ever.
RESTART_PAUSE = 1.0
LOOK_EVERY = 0.1
#: Seconds that our own processes get to finish what they are at when all is stopped.
STOP_PATIENCE = 8.0
START_PATIENCE = 60.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Part:
    """Something that is kept running: how to start it (again), and its present process."""

    name: str
    launch: Callable[[], Child]
    child: Child

    def due(self) -> bool:
        return time.monotonic() - self.child.started >= RESTART_PAUSE


def run() -> int:
    """Start everything, keep it alive until told to stop, stop it. Returns the exit code.

    Raises ConfigError with one sentence where something is in the way.
    """
    claim = folder.claim(Settings.from_env().data)
    # What a killed predecessor wrote there must not be taken for addresses that the person gave.
    servers_file(Settings.from_env().data).unlink(missing_ok=True)
    supervisor = Supervisor(Settings.from_env())
    if claim.after_crash:
        supervisor.tell("The last run did not end well; recovering")
    with _signals(supervisor.on_signal):
        try:
            supervisor.start()
            supervisor.watch()
        except StopAskedError:
            pass
        finally:
            supervisor.stop()
            claim.release()
    return 0


class Supervisor:
    """The product's processes. Parts start in the order in which they stand here and stop in reverse."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.data = settings.data
        self.env: dict[str, str] = dict(os.environ)
        self.stack = Stack(self.data)
        self.parts: list[Part] = []
        self.stop_asked = threading.Event()
        self.store_door: int | None = None
        self.owner: dict[str, Any] = {}
        self.log = log_file(self.data, "supervisor")

    def start(self) -> None:
        """Servers, then migrations and the first owner, then our own processes; the address at the end."""
        end_leftovers(self.data)
        refuse_taken_port(self.settings.host, self.settings.port)
        self.settings, self.store_door = door.plan(self.settings, self.tell)
        self.tell(f"Starting the servers, data in {self.data}")
        self.stack = start_stack(self.data, self.settings, tell=self.tell, stop=self.stop_asked)
        self._give_addresses()
        self.tell("Bringing the database up to date")
        self.owner = self._set_up()
        self._start_own()
        self._greet()

    def watch(self) -> None:
        """Start again whatever ends, until a signal ends this."""
        while True:
            for part in self.parts:
                if not part.child.alive() and part.due():
                    self.tell(f"{part.name} ended ({_how(part.child)}); starting it again")
                    part.child = part.launch()
            self._pause()

    def stop(self) -> None:
        """Everything down, in reverse order; harmless when only half of it is up."""
        self.stop_asked.set()
        self._say_password()  # where it did not come to the greeting: nobody could sign in later
        started = bool(self.parts or self.stack.children)
        if started:
            self.tell("Stopping")
        own = [part.child for part in self.parts if part.name not in self.stack.servers]
        # The carrier stays until nobody talks to it any more: an answer cut off is a message nobody is sure of.
        _stop_together([child for child in own if child.name != "simulator"])
        _stop_together([child for child in own if child.name == "simulator"])
        self.stack.stop()
        servers_file(self.data).unlink(missing_ok=True)
        if started:
            self.tell("Stopped; everything is kept")

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first one stops with care, the second one at once."""
        if not self.stop_asked.is_set():
            self.stop_asked.set()
            return
        for child in [part.child for part in self.parts] + list(self.stack.children.values()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)

    def tell(self, line: str) -> None:
        """A line for the person at the terminal, and for the log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {line}\n")
        with contextlib.suppress(OSError):  # whoever read along may have gone
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def _give_addresses(self) -> None:
        given = dict(self.stack.env)
        if not self.settings.simulator_url:
            port = ports.pick(["simulator"], self.data / "run" / "ports.json")["simulator"]
            given["SINTALK_SIMULATOR_URL"] = f"http://127.0.0.1:{port}"
        private_file(servers_file(self.data), json.dumps(given))
        self.env.update(given, SINTALK_DATA=str(self.data))
        self.env.setdefault("SINTALK_SECRET_KEY", folder.secret_key(self.data))
        self.env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.env["PYTHONUNBUFFERED"] = "1"

    def _set_up(self) -> dict[str, Any]:
        """Migrations, the first owner, the demo's samples, in one process. Its last line: who may sign in."""
        log = log_file(self.data, "setup")
        with log.open("ab") as errors:
            setup = subprocess.Popen(
                [*die_with_us(), *own("setup")],
                env={**self.env, MARK: str(self.data)},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        try:
            while setup.poll() is None:
                self._pause()
        except BaseException:
            setup.kill()
            raise
        said = setup.communicate()[0].decode()
        if setup.returncode != 0:
            raise ConfigError(f"The database could not be brought up to date ({last_words(log)}; see {log}).")
        return dict(json.loads(said.strip().splitlines()[-1]))

    def _pause(self) -> None:
        """A moment between two looks; raises StopAskedError once a signal came."""
        if self.stop_asked.wait(LOOK_EVERY):
            raise StopAskedError

    def _start_own(self) -> None:
        for name in self.stack.servers:
            self.parts.append(Part(name, partial(self.stack.launch, name), self.stack.children[name]))
        if "SINTALK_SIMULATOR_URL" in self.env and not self.settings.simulator_url:
            self._keep_own("simulator", "simulator")
        if self.store_door and "s3" in self.stack.servers:
            target = urlsplit(self.stack.env["S3_ENDPOINT_URL"]).port
            self._keep_own("store-door", "store-door", self.settings.host, str(self.store_door), str(target))
        self._keep_own("web", "web")
        for queue, count in self.settings.workers.items():
            for number in range(1, count + 1):
                self._keep_own(f"worker-{queue}-{number}", "worker", queue)
        self._keep_own("sweeper", "sweep")
        self.tell(f"Starting the web server, {sum(self.settings.workers.values())} workers and the sweeper")
        self._wait_for_web()

    def _keep_own(self, name: str, *words: str) -> None:
        launch = partial(spawn, name, own(*words), data=self.data, env=self.env, cwd=ROOT)
        self.parts.append(Part(name, launch, launch()))

    def _wait_for_web(self) -> None:
        """Until the product says that all of it is ready; gives up only where the web server cannot start."""
        web = next(part for part in self.parts if part.name == "web")
        address = f"http://{_reachable(self.settings.host)}:{self.settings.port}/health/ready"
        deadline = time.monotonic() + START_PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(address, timeout=3, trust_env=False).status_code == 200:
                    return
            if not web.child.alive():
                said = last_words(web.child.log)
                raise ConfigError(f"The web server did not start ({said}; see {web.child.log}).")
            self._pause()
        self.tell(f"Not everything is ready yet: see {address}")

    def _greet(self) -> None:
        address, email = self.settings.public_url, self.owner.get("email")
        self.tell(f"\nSintalk is ready.\n\n  Address  {address}\n  API      {address}/api/v1")
        self.tell(f"  Sign-in  {email or 'open the address to make the first account'}")
        self._say_password()
        self.tell(f"  Logs     {self.data / 'logs'}\n\nCtrl-C stops it.")

    def _say_password(self) -> None:
        """Once, and to the terminal only: the log would keep it."""
        if password := self.owner.pop("password", None):
            with contextlib.suppress(OSError):
                sys.stdout.write(f"  Password {password}   (made up just now; shown this once)\n")


def own(*words: str) -> list[str]:
    """One of our own commands, by this Python."""
    return [sys.executable, "-m", "sintalk", *words]


def refuse_taken_port(host: str, port: int) -> None:
    """One sentence, before anything is started, where nobody could listen there."""
    try:
        ports.probe(host, port)
    except PermissionError as error:
        raise ConfigError(f"This user may not listen on port {port}; set PORT to 1024 or higher.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"Port {port} on {host} is taken; set PORT to another one.") from error
        raise ConfigError(f"HOST={host} is not an address of this machine ({error.strerror}).") from error


def _reachable(host: str) -> str:
    """The address under which we reach ourselves, whichever we listen on."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104
    return f"[{host}]" if ":" in host else host


def _stop_together(children: list[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    asked = time.monotonic()
    for child in children:
        child.stop(max(0.1, asked + STOP_PATIENCE - time.monotonic()))


def _how(child: Child) -> str:
    code = child.popen.returncode or 0
    return signal.Signals(-code).name if code < 0 else f"exit code {code}: {last_words(child.log)}"


@contextlib.contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # Under nohup a closed terminal is to be ignored.
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else set()
    before = {number: signal.signal(number, handler) for number in SIGNALS if number not in ignored}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)

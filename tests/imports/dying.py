"""A worker that dies at a named point: `python -m tests.imports.dying <point> <nth time>`.

It ends by os._exit(137), as after kill -9: nothing is rolled back by us, flushed or given back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from sintalk import crashpoints, create_core
from sintalk.contacts import service as contacts
from sintalk.imports import batches, comparing, jobs, merging, runner, sources, turns, undoing

DEAD = 137


def dying(act: Callable[..., Any], nth: int, *, before: bool = False) -> Callable[..., Any]:
    """The same, but at the nth call the process is gone: before it, or when it is done."""
    calls = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and before:
            os._exit(DEAD)
        result = act(*args, **kwargs)
        if calls == nth:
            os._exit(DEAD)
        return result

    return wrapped


def main(point: str, nth: int) -> None:
    batches.SIZE = 500
    undoing.CHUNK = 200
    app = create_core()
    if point in crashpoints.POINTS:
        crashpoints.arm(f"{point}:{nth}")
        with app.app_context():
            jobs.work()
        return
    module, name, before = {
        "claimed": (turns, "_claimed", False),
        "surveyed": (sources, "survey", False),
        "writing": (merging, "write", False),
        "written": (runner, "_write", False),
        "finishing": (turns, "finish", True),
        "finished": (turns, "finish", False),
        "comparing": (comparing, "_with_list", False),
        "removing": (contacts, "count", False),
        "restoring": (undoing, "_count", False),
        "restored": (undoing, "_restore", False),
    }[point]
    setattr(module, name, dying(getattr(module, name), nth, before=before))
    with app.app_context():
        jobs.work()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

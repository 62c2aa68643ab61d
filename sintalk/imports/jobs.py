"""Doorway: what a worker runs when it is rung for. It may run never, once or a hundred times."""

from __future__ import annotations

from uuid import UUID


def run(import_id: str) -> None:
    """Take this import further."""
    from sintalk.imports import runner

    runner.run(UUID(import_id))

"""Doorway: what a worker runs when it is rung for. It may run never, once or a hundred times."""

from __future__ import annotations


def work() -> None:
    """Take files further, turn by turn, until nothing is due."""
    from sintalk.imports import turns

    turns.work()

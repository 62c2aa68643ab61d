"""Doorways: what the workers run when they are rung for. Each may run never, once or a hundred times."""

from __future__ import annotations


def deliver() -> None:
    """Deliver what is due."""
    from sintalk.webhooks import delivering

    delivering.deliver()

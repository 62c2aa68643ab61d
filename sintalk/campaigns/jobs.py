"""Doorways: what the workers run when they are rung for."""

from __future__ import annotations

from uuid import UUID


def expand(campaign_id: str) -> None:
    """Write the recipients of a launched campaign and hold its money."""
    from sintalk.campaigns import expansion

    expansion.expand(UUID(campaign_id))


def count(campaign_id: str) -> None:
    """Count the audience of a draft for its pre-flight."""
    from sintalk.campaigns import preflight

    preflight.go_on(UUID(campaign_id))


def expand_waiting() -> None:
    """Take all launched campaigns further that wait to be expanded. While nobody can ring for each."""
    from sintalk.campaigns import expansion, service

    for campaign_id in service.to_expand():
        expansion.expand(campaign_id)


def close_finished() -> None:
    """Complete the campaigns whose last message left."""
    from sintalk.campaigns import service

    service.close_finished()


def hold_halted() -> None:
    """Say of campaigns that were held back by themselves that they are paused, and why."""
    from sintalk.campaigns import service

    service.hold_halted()


def count_waiting() -> None:
    """Take all audiences further that are being counted. While nobody can ring for each."""
    from sintalk.campaigns import preflight

    for campaign_id in preflight.to_count():
        preflight.go_on(campaign_id)

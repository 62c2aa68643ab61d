"""Doorways: what the workers run when they are rung for. Each may run never, once or a hundred times."""

from __future__ import annotations


def drain() -> None:
    """Send what is due."""
    from sintalk.messages import dispatcher, settling

    dispatcher.attend()
    settling.settle_due()


def take_back() -> None:
    """Take back what was canceled before it left, and give its money back."""
    from sintalk.messages import settling, steering

    steering.take_back()
    settling.settle_due()


def apply_receipts() -> None:
    """Apply the callbacks that wait, and settle what they decided."""
    from sintalk.messages import receipts, settling

    receipts.apply_waiting()
    settling.settle_due()


def ask() -> None:
    """Look up what nobody is sure of, and settle what the carrier said."""
    from sintalk.messages import asking, settling

    if asking.ask():
        settling.settle_due(unfinished_too=True)


def confirm() -> None:
    """Answer those who wrote a word that opts out or back in."""
    from sintalk.messages import confirming

    confirming.pay()

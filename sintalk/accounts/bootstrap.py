"""The first owner of an installation, made from the settings where nobody is to be asked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from sintalk.accounts import service
from sintalk.accounts.models import User
from sintalk.config import Settings
from sintalk.db import session


@dataclass(frozen=True)
class Owner:
    """The first owner. `password` only where it was made up just now: it is shown once."""

    user: User
    password: str | None


def ensure(settings: Settings) -> Owner | None:
    """The first owner, made where the installation is empty and demo mode or a given password allow it.

    None where the installation is empty and shall open with the first-run page. Needs an app context.
    """
    if service.installed():
        first = session().scalar(select(User).where(User.platform_admin).order_by(User.id).limit(1))
        return Owner(first, None) if first else None
    if not (settings.demo or settings.owner_password):
        return None
    made_up = None if settings.owner_password else secrets.token_urlsafe(12)
    user = service.first_run(
        name="Sintalk",
        email=settings.owner_email,
        password=settings.owner_password or made_up or "",
        company="Demo" if settings.demo else "Sintalk",
    )
    return Owner(user, made_up)

from __future__ import annotations

from typing import Annotated, Literal

from flask_babel import gettext as _
from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from sintalk.accounts import zones
from sintalk.web.schemas import Answer, Body, Id, Name, PageOf, Path, Timestamp


class OwnerIn(Body):
    """Who is to be the first owner."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)] = Field(
        examples=["alice@padaria.example"]
    )
    name: Name = Field(examples=["Alice Souza"])


class TenantIn(Body):
    """A company to be made; with `owner`, the answer has a link by which its first owner comes in."""

    name: Name = Field(examples=["Padaria da Alice"])
    owner: OwnerIn | None = Field(None, examples=[{"email": "alice@padaria.example", "name": "Alice Souza"}])
    locale: Literal["pt_BR", "es", "en"] = "pt_BR"
    timezone: str = Field("America/Sao_Paulo", description="Of the IANA database")

    @field_validator("timezone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone not in zones.known():
            raise PydanticCustomError(
                "not_allowed", "{sentence}", {"sentence": _("There is no such time zone.")}
            )
        return zone


class TenantOut(Answer):
    """A company on this installation."""

    id: Id
    name: str = Field(examples=["Padaria da Alice"])
    locale: str = Field(examples=["pt_BR"])
    timezone: str = Field(examples=["America/Sao_Paulo"])
    currency: str = Field(examples=["BRL"])
    created_at: Timestamp


class InvitationOut(Answer):
    """A link for one person, once: give it to nobody else."""

    email: str = Field(examples=["alice@padaria.example"])
    url: str | None = Field(
        None,
        description="Shown once; not in a replayed answer",
        examples=["https://sintalk.example.com/invitation/3k9d0Vq1xW7s5eFhYb2mNcRtUoPzLiKj8gAaQw4E6vM"],
    )
    expires_at: Timestamp


class TenantMade(TenantOut):
    """A company right after it was made."""

    invitation: InvitationOut | None = Field(None, description="Of the first owner, where one was named")


class TenantPage(PageOf[TenantOut]):
    """The companies, newest first."""


class TenantPath(Path):
    tenant_id: Id

from __future__ import annotations

from typing import Literal
from zoneinfo import available_timezones

from flask_babel import gettext as _
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from sintalk.web.schemas import Answer, Body, Id, Name, PageOf, Path, Timestamp


class TenantIn(Body):
    """A company to be made."""

    name: Name = Field(examples=["Padaria da Alice"])
    locale: Literal["pt_BR", "en"] = "pt_BR"
    timezone: str = Field("America/Sao_Paulo", description="Of the IANA database")

    @field_validator("timezone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone not in available_timezones():
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


class TenantPage(PageOf[TenantOut]):
    """The companies, newest first."""


class TenantPath(Path):
    tenant_id: Id

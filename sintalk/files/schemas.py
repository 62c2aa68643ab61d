from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sintalk.web.schemas import Answer, Body, Id, PageOf, Timestamp

Kind = Literal["csv", "xlsx", "audio", "media"]


class UploadIn(Body):
    """What is about to be uploaded. `size`, where given, is signed into the URL."""

    kind: Kind
    filename: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)] = Field(
        examples=["contatos.csv"]
    )
    content_type: Annotated[str, StringConstraints(max_length=100)] = Field(examples=["text/csv"])
    size: int | None = Field(None, examples=[48_210], ge=1, le=2**53, description="Bytes")


class UploadOut(Answer):
    """PUT the bytes to `upload_url` with exactly these headers, then confirm."""

    file_id: Id
    upload_url: str = Field(examples=["http://127.0.0.1:8333/sintalk/019ab0c4?X-Amz-Signature=5d2e"])
    method: Literal["PUT"] = "PUT"
    headers: dict[str, str] = Field(examples=[{"Content-Type": "text/csv"}])
    expires_at: Timestamp


class ConfirmIn(Body):
    file_id: Id


class FileOut(Answer):
    id: Id
    kind: Kind
    filename: str = Field(examples=["contatos.csv"])
    content_type: str = Field(examples=["text/csv"])
    size: int | None = Field(examples=[48_210], description="Bytes")
    status: Literal["pending", "uploaded", "rejected"]
    created_at: Timestamp
    confirmed_at: Timestamp | None
    duration_ms: int | None = Field(None, description="Of audio, once it was measured")
    url: str | None = Field(
        None,
        description="Of a confirmed medium: where everybody can fetch it, for `file_url` and `thumbnail_url`",
    )


class FilePage(PageOf[FileOut]):
    """The tenant's files."""

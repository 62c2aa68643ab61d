"""Files on their way through the real store into real lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sintalk.imports import jobs
from tests.imports.workbooks import CONTENT_TYPE


@pytest.fixture
def upload(api: Any) -> Callable[..., str]:
    """Put bytes into the store as a client does, and confirm them: the file's id."""

    def upload(data: bytes, confirm: bool = True, through: Any = api, kind: str = "csv") -> str:
        content_type = {"csv": "text/csv", "xlsx": CONTENT_TYPE}[kind]
        body = {"kind": kind, "filename": f"contatos.{kind}", "content_type": content_type}
        target = through.post("/files/upload-url", body).get_json()
        put = httpx.put(target["upload_url"], content=data, headers=target["headers"])
        assert put.status_code == 200, put.text
        if confirm:
            answer = through.post("/files/confirm-upload", {"file_id": target["file_id"]})
            assert answer.status_code == 200, answer.get_json()
        return str(target["file_id"])

    return upload


@pytest.fixture
def list_id(api: Any) -> str:
    """An empty list of Alice's."""
    return str(api.post("/contact-lists", {"name": "Clientes"}).get_json()["id"])


@pytest.fixture
def imported(api: Any, upload: Callable[..., str], list_id: str) -> Callable[..., dict[str, Any]]:
    """Upload, import into the list, and run the job to its end: the import as the API tells it."""

    def imported(text: str | bytes, kind: str = "csv", **wishes: Any) -> dict[str, Any]:
        file_id = upload(text.encode() if isinstance(text, str) else text, kind=kind)
        started = api.post(f"/contact-lists/{list_id}/import", {"file_id": file_id, **wishes})
        assert started.status_code == 202, started.get_json()
        jobs.work()
        done: dict[str, Any] = api.get(
            f"/contact-lists/{list_id}/import/{started.get_json()['id']}"
        ).get_json()
        return done

    return imported

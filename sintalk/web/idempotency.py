"""`Idempotency-Key`: the first answer of a POST is kept for 24 hours and given again.

The key's row, the effects of the verb and the answer are one transaction: a crash leaves either all of
them or none, so a retry never finds an effect without its answer. Refusals are not kept: they had no
effect, and what was wrong may have been put right.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from flask import Response, g, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, atomic, now, session
from sintalk.errors import Conflict, Detail, Invalid

KEPT_FOR = timedelta(hours=24)


class IdempotencyKey(Base):
    """One remembered POST of a tenant: hash of the request, status and body of its answer."""

    __tablename__ = "idempotency_keys"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


#: As the document has it.
KEY = re.compile(r"[!-~]{1,255}")


def once(perform: Callable[[], Response]) -> Response:
    """Perform, or answer as before. Raises 409 `idempotency_key_reused` or `idempotency_in_progress`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return perform()
    if not KEY.fullmatch(key):
        sentence = _l("An idempotency key has 1 to 255 characters, without spaces or accents.")
        raise Invalid(Detail("Idempotency-Key", "too_long" if len(key) > 255 else "invalid_key", sentence))
    tenant_id: UUID = g.actor.tenant_id
    asked = _fingerprint()
    with atomic() as current:
        lock = int.from_bytes(hashlib.sha256(f"{tenant_id}:{key}".encode()).digest()[:8], signed=True)
        if not current.scalar(select(func.pg_try_advisory_xact_lock(lock))):
            raise Conflict("idempotency_in_progress", _l("The first request with this key is still running."))
        kept = current.get(IdempotencyKey, (tenant_id, key))
        if kept is not None and kept.created_at < now() - KEPT_FOR:
            current.delete(kept)
            current.flush()
            kept = None
        if kept is not None:
            return _again(kept, asked)
        answer = perform()
        current.add(
            IdempotencyKey(
                tenant_id=tenant_id,
                key=key,
                request_hash=asked,
                status=answer.status_code,
                body=getattr(g, "replay_body", None) or answer.get_data(as_text=True),
            )
        )
        return answer


def forget_old() -> int:
    """Drop what is older than 24 hours; how many that were. For the sweeper."""
    with atomic():
        gone = session().execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now() - KEPT_FOR))
    return gone.rowcount  # type: ignore[attr-defined]


def _again(kept: IdempotencyKey, asked: str) -> Response:
    if kept.request_hash != asked:
        raise Conflict("idempotency_key_reused", _l("This key was used with another request."))
    return Response(
        kept.body or None,
        status=kept.status,
        mimetype="application/json",
        headers={"Idempotency-Replayed": "true"},
    )


def _fingerprint() -> str:
    return hashlib.sha256(request.full_path.encode() + b"\n" + request.get_data(cache=True)).hexdigest()

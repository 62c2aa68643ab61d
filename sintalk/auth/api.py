from __future__ import annotations

from flask import g

from sintalk.auth import service
from sintalk.auth.models import ApiKey
from sintalk.auth.schemas import ApiKeyIn, ApiKeyMade, ApiKeyPage, ApiKeyPath
from sintalk.counts import kept
from sintalk.web.api import SECURITY, blueprint, refuses
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery

api = blueprint("auth", tag="auth", description="API keys of your tenant")


@api.post(
    "/api-keys",
    summary="Create an API key",
    responses={"201": ApiKeyMade},
    security=[{"Basic": []}, *SECURITY],
)
@refuses(403, "forbidden", "Only owners and admins make API keys.")
def create_api_key(body: ApiKeyIn) -> tuple[ApiKeyMade, int]:
    """Create an API key for the admin's tenant. The plain key is returned once."""
    key, plain = service.create_key(
        g.actor.tenant_id,
        name=body.name,
        role=body.role,
        mode=body.mode,
        expires_at=body.expires_at,
        by=g.actor,
    )
    made = ApiKeyMade.model_validate(key)
    g.replay_body = made.model_dump_json(exclude={"key"})
    return made.model_copy(update={"key": plain}), 201


@api.get("/api-keys", summary="List API keys", responses={"200": ApiKeyPage})
def list_api_keys(query: PageQuery) -> ApiKeyPage:
    """The tenant's keys without their secrets, newest first. An extension of the index."""
    rows, total = service.keys_of(g.actor.tenant_id), kept(g.actor.tenant_id, "api_keys")
    return ApiKeyPage.model_validate(paginate(rows, query, by=ApiKey.id, total=total))


@api.delete("/api-keys/<uuid:api_key_id>", summary="Revoke an API key", responses={"204": None})
@refuses(403, "forbidden", "Only owners and admins revoke API keys.")
def revoke_api_key(path: ApiKeyPath) -> None:
    """The key stops working at once. An extension of the index."""
    service.revoke_key(g.actor.tenant_id, path.api_key_id, by=g.actor)

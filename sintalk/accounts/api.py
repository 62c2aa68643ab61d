from __future__ import annotations

from flask import g

from sintalk.accounts import tenants
from sintalk.accounts.models import Tenant
from sintalk.accounts.schemas import InvitationOut, TenantIn, TenantMade, TenantOut, TenantPage, TenantPath
from sintalk.web.api import blueprint, refuses
from sintalk.web.links import public_url
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery

api = blueprint(
    "tenants", tag="tenants", description="The companies of this installation: platform admins only."
)

NOT_YOURS = refuses(403, "forbidden", "You are not allowed to do this.")


@api.get("/tenants", summary="List tenants", responses={"200": TenantPage})
@NOT_YOURS
def list_tenants(query: PageQuery) -> TenantPage:
    """All companies, newest first. An extension of the index."""
    return TenantPage.model_validate(paginate(tenants.every(g.actor), query, by=Tenant.id))


@api.post("/tenants", summary="Create a tenant", responses={"201": TenantMade})
@NOT_YOURS
def create_tenant(body: TenantIn) -> tuple[TenantMade, int]:
    """A new company with a balance of zero, and a link for its first owner: it is shown once and works for a
    week, once. Nobody is in the company until it is taken up. An extension of the index."""
    owner = tenants.Owner(**body.owner.model_dump()) if body.owner else None
    made = tenants.create(**body.model_dump(exclude={"owner"}), owner=owner, by=g.actor)
    answer = TenantMade.model_validate(made.tenant)
    if made.invitation is not None:
        answer.invitation = InvitationOut.model_validate(made.invitation)
        g.replay_body = answer.model_dump_json()
        answer.invitation.url = public_url("accounts.invitation", token=made.token)
    return answer, 201


@api.get("/tenants/<uuid:tenant_id>", summary="Get a tenant", responses={"200": TenantOut})
@NOT_YOURS
def get_tenant(path: TenantPath) -> TenantOut:
    """One company. An extension of the index."""
    return TenantOut.model_validate(tenants.get(path.tenant_id, by=g.actor))

from __future__ import annotations

from flask import g

from sintalk.counts import kept
from sintalk.message_templates import service
from sintalk.message_templates.models import Template
from sintalk.message_templates.schemas import (
    Preview,
    PreviewIn,
    TemplateIn,
    TemplateOut,
    TemplatePage,
    TemplatePath,
    TemplateQuery,
)
from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate

api = blueprint("message_templates", tag="templates", description="Reusable message templates")


@api.post("/templates", summary="Create a template", responses={"201": TemplateOut})
@refuses(409, "file_not_confirmed", "Upload this file and confirm it first.")
def create_template(body: TemplateIn) -> tuple[TemplateOut, int]:
    """Create a template for one channel; exactly that channel's object is present."""
    template = service.create(g.actor.tenant_id, body, by=g.actor)
    return TemplateOut.model_validate(template), 201


@api.get("/templates", summary="List templates", responses={"200": TemplatePage})
def list_templates(query: TemplateQuery) -> TemplatePage:
    """Paginated list of templates, newest first."""
    rows = service.templates_of(g.actor.tenant_id, channel=query.channel)
    total = kept(g.actor.tenant_id, "templates") if query.channel is None else None
    return TemplatePage.model_validate(paginate(rows, query, by=Template.id, total=total))


@api.get("/templates/<uuid:template_id>", summary="Get a template", responses={"200": TemplateOut})
def get_template(path: TemplatePath) -> TemplateOut:
    """Retrieve a template by ID."""
    return TemplateOut.model_validate(service.get(g.actor.tenant_id, path.template_id))


@api.put("/templates/<uuid:template_id>", summary="Replace a template", responses={"200": TemplateOut})
@refuses(409, "file_not_confirmed", "Upload this file and confirm it first.")
def update_template(path: TemplatePath, body: TemplateIn) -> TemplateOut:
    """Replace name and content; the channel stays. What was launched keeps its content. An extension."""
    template = service.update(g.actor.tenant_id, path.template_id, body, by=g.actor)
    return TemplateOut.model_validate(template)


@api.delete("/templates/<uuid:template_id>", summary="Delete a template", responses={"204": None})
@refuses(409, "template_in_use", "A campaign on its way uses this template. Wait for its end, or cancel it.")
def delete_template(path: TemplatePath) -> None:
    """Soft-delete a template. An extension of the index."""
    service.delete(g.actor.tenant_id, path.template_id, by=g.actor)


@api.post(
    "/templates/<uuid:template_id>/duplicate", summary="Copy a template", responses={"201": TemplateOut}
)
def duplicate_template(path: TemplatePath) -> tuple[TemplateOut, int]:
    """A copy under another name, to be changed. An extension of the index."""
    copy = service.duplicate(g.actor.tenant_id, path.template_id, by=g.actor)
    return TemplateOut.model_validate(copy), 201


@api.post("/templates/<uuid:template_id>/preview", summary="Preview a template", responses={"200": Preview})
def preview_template(path: TemplatePath, body: PreviewIn) -> Preview:
    """What a person with these values would get, and what it costs in parts. An extension of the index."""
    template = service.get(g.actor.tenant_id, path.template_id)
    return service.preview(template.channel, template.content, body.variables)

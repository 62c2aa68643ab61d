"""Pages of lists and the people in them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.contacts import opt_outs, service
from sintalk.contacts.forms import ContactForm, ListForm
from sintalk.contacts.models import Contact, ContactList
from sintalk.counts import kept
from sintalk.errors import Conflict, Invalid
from sintalk.web.forms import show_faults
from sintalk.web.htmx import paging
from sintalk.web.paging import paginate

bp = Blueprint("contacts", __name__, url_prefix="/contacts")

ONE_LIST = "/<uuid:list_id>"
ONE_PERSON = f"{ONE_LIST}/people/<uuid:contact_id>"


@bp.get("")
def index() -> ResponseReturnValue:
    """All lists."""
    rows, total = service.lists_of(g.actor.tenant_id), kept(g.actor.tenant_id, "contact_lists")
    page = paginate(rows, paging(), by=ContactList.id, total=total)
    return render_template("contacts/index.html", page=page)


@bp.get("/new")
def new() -> ResponseReturnValue:
    """A name for a new list."""
    return render_template("contacts/list_form.html", form=ListForm(), list=None)


@bp.post("")
def create() -> ResponseReturnValue:
    """Make a list; people usually come into it from a file."""
    form = ListForm()
    try:
        made = service.create_list(g.actor.tenant_id, name=form.checked().name)
    except Invalid as error:
        show_faults(form, error)
        return render_template("contacts/list_form.html", form=form, list=None), 422
    return redirect(url_for(".show", list_id=made.id), 303)


@bp.get(ONE_LIST)
def show(list_id: UUID) -> ResponseReturnValue:
    """The people of a list, searched and paged."""
    found = service.get_list(g.actor.tenant_id, list_id)
    search = request.args.get("search", "").replace("\x00", "").strip()[:200]
    page = service.page_of_contacts(g.actor.tenant_id, list_id, paging(), search=search)
    return render_template("contacts/show.html", list=found, page=page, search=search)


@bp.get(f"{ONE_LIST}/edit")
def edit(list_id: UUID) -> ResponseReturnValue:
    """Another name for a list."""
    found = service.get_list(g.actor.tenant_id, list_id)
    return render_template("contacts/list_form.html", form=ListForm(obj=found), list=found)


@bp.post(f"{ONE_LIST}/edit")
def rename(list_id: UUID) -> ResponseReturnValue:
    """Keep the other name."""
    found, form = service.get_list(g.actor.tenant_id, list_id), ListForm()
    try:
        service.rename_list(g.actor.tenant_id, list_id, name=form.checked().name)
    except Invalid as error:
        show_faults(form, error)
        return render_template("contacts/list_form.html", form=form, list=found), 422
    return redirect(url_for(".show", list_id=list_id), 303)


@bp.post(f"{ONE_LIST}/delete")
def delete(list_id: UUID) -> ResponseReturnValue:
    """Take a list away, with the people in it."""
    found = service.get_list(g.actor.tenant_id, list_id)
    try:
        service.delete_list(g.actor.tenant_id, list_id)
    except Conflict as error:
        flash(str(error.message), "error")
        return redirect(url_for(".show", list_id=list_id), 303)
    flash(_("The list “%(name)s” is deleted.", name=found.name), "success")
    return redirect(url_for(".index"), 303)


@bp.get(f"{ONE_LIST}/people/new")
def new_person(list_id: UUID) -> ResponseReturnValue:
    """An empty form for a person."""
    return _person_page(list_id, ContactForm(formdata=None))


@bp.post(f"{ONE_LIST}/people")
def create_person(list_id: UUID) -> ResponseReturnValue:
    """Add a person to the list."""
    form = ContactForm()
    try:
        made = service.create_contact(g.actor.tenant_id, list_id, **form.checked().model_dump())
    except (Invalid, Conflict) as error:
        return _person_again(list_id, form, error)
    flash(_("%(name)s is in the list.", name=made.name), "success")
    return redirect(url_for(".show", list_id=list_id), 303)


@bp.get(ONE_PERSON)
def person(list_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    """One person, to be read and changed."""
    found = service.get_contact(g.actor.tenant_id, list_id, contact_id)
    return _person_page(list_id, ContactForm.of(found), found)


@bp.post(ONE_PERSON)
def change_person(list_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    """Keep what was changed."""
    found, form = service.get_contact(g.actor.tenant_id, list_id, contact_id), ContactForm()
    try:
        service.change_contact(g.actor.tenant_id, list_id, contact_id, **form.checked().model_dump())
    except (Invalid, Conflict) as error:
        return _person_again(list_id, form, error, found)
    flash(_("The changes are saved."), "success")
    return redirect(url_for(".show", list_id=list_id), 303)


@bp.post(f"{ONE_PERSON}/delete")
def delete_person(list_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    """Take a person off the list."""
    found = service.get_contact(g.actor.tenant_id, list_id, contact_id)
    service.delete_contact(g.actor.tenant_id, list_id, contact_id)
    flash(_("%(name)s is no longer in the list.", name=found.name), "success")
    return redirect(url_for(".show", list_id=list_id), 303)


@bp.post(f"{ONE_PERSON}/opt-out")
def opt_out(list_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    """The person wants nothing more: their number is left out of everything, in every list."""
    found = service.get_contact(g.actor.tenant_id, list_id, contact_id)
    if found.phone:
        opt_outs.opt_out(g.actor.tenant_id, phone=found.phone, source="page", by=g.actor)
        flash(_("%(name)s will receive nothing more.", name=found.name), "success")
    return redirect(url_for(".person", list_id=list_id, contact_id=contact_id), 303)


@bp.post(f"{ONE_PERSON}/opt-in")
def opt_in(list_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    """The person asked to hear from us again."""
    found = service.get_contact(g.actor.tenant_id, list_id, contact_id)
    if found.phone:
        opt_outs.take_back_number(g.actor.tenant_id, found.phone, by=g.actor)
        flash(_("%(name)s can receive messages again.", name=found.name), "success")
    return redirect(url_for(".person", list_id=list_id, contact_id=contact_id), 303)


def _person_page(list_id: UUID, form: ContactForm, contact: Contact | None = None) -> str:
    found = service.get_list(g.actor.tenant_id, list_id)
    phone = contact.phone if contact else None
    past = opt_outs.latest_of(g.actor.tenant_id, phone) if phone else []
    refused = opt_outs.channels_of(g.actor.tenant_id, phone) if phone else []
    return render_template(
        "contacts/person.html", list=found, form=form, contact=contact, past=past, refused=refused
    )


def _person_again(
    list_id: UUID, form: ContactForm, error: Invalid | Conflict, contact: Contact | None = None
) -> ResponseReturnValue:
    if isinstance(error, Invalid):
        show_faults(form, error)
    else:
        form.phone.errors = [str(error.message)]
    return _person_page(list_id, form, contact), error.status

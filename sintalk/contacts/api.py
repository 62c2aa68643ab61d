from __future__ import annotations

from flask import g

from sintalk.contacts import keywords, opt_outs, service
from sintalk.contacts.models import ConsentEvent, ContactList, OptOut
from sintalk.contacts.schemas import (
    ConsentPage,
    ConsentQuery,
    ContactChange,
    ContactIn,
    ContactOut,
    ContactPage,
    ContactPath,
    ContactQuery,
    ListIn,
    ListOut,
    ListPage,
    ListPath,
    OptOutIn,
    OptOutOut,
    OptOutPage,
    OptOutPath,
    OptOutQuery,
    ReplyWordsIn,
    ReplyWordsOut,
)
from sintalk.counts import kept
from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery

lists = blueprint("contact_lists", tag="contact-lists", description="Lists that group contacts")
contacts = blueprint("contacts", tag="contacts", description="People within a contact list")
opting = blueprint("opt_outs", tag="opt-outs", description="Numbers that want nothing more (extension)")

ONE_LIST = "/contact-lists/<uuid:list_id>"
ONE_CONTACT = f"{ONE_LIST}/contacts/<uuid:contact_id>"


@lists.post("/contact-lists", summary="Create a contact list", responses={"201": ListOut})
def create_contact_list(body: ListIn) -> tuple[ListOut, int]:
    """Create a new, empty contact list."""
    return ListOut.model_validate(service.create_list(g.actor.tenant_id, name=body.name)), 201


@lists.get("/contact-lists", summary="List contact lists", responses={"200": ListPage})
def list_contact_lists(query: PageQuery) -> ListPage:
    """The tenant's contact lists, newest first."""
    rows, total = service.lists_of(g.actor.tenant_id), kept(g.actor.tenant_id, "contact_lists")
    return ListPage.model_validate(paginate(rows, query, by=ContactList.id, total=total))


@lists.get(ONE_LIST, summary="Get a contact list", responses={"200": ListOut})
def get_contact_list(path: ListPath) -> ListOut:
    """One contact list by its id."""
    return ListOut.model_validate(service.get_list(g.actor.tenant_id, path.list_id))


@lists.put(ONE_LIST, summary="Update a contact list", responses={"200": ListOut})
def update_contact_list(path: ListPath, body: ListIn) -> ListOut:
    """Rename a contact list."""
    return ListOut.model_validate(service.rename_list(g.actor.tenant_id, path.list_id, name=body.name))


@lists.delete(ONE_LIST, summary="Delete a contact list", responses={"204": None})
@refuses(409, "list_in_use", "A running campaign or import uses this list.")
def delete_contact_list(path: ListPath) -> None:
    """Soft-delete a list with its contacts; 409 `list_in_use` while a running campaign or import uses it."""
    service.delete_list(g.actor.tenant_id, path.list_id)


@contacts.post(f"{ONE_LIST}/contacts", summary="Create a contact", responses={"201": ContactOut})
@refuses(409, "duplicate_phone", "This phone number is in the list already.")
def create_contact(path: ListPath, body: ContactIn) -> tuple[ContactOut, int]:
    """Add a person to a list. A phone lives once in a list: 409 `duplicate_phone`."""
    made = service.create_contact(g.actor.tenant_id, path.list_id, **body.model_dump())
    return ContactOut.model_validate(made), 201


@contacts.get(f"{ONE_LIST}/contacts", summary="List contacts", responses={"200": ContactPage})
def list_contacts(path: ListPath, query: ContactQuery) -> ContactPage:
    """The contacts of a list, newest first."""
    filters = query.model_dump(include={"search", "phone", "email"}, exclude_none=True)
    return ContactPage.model_validate(
        service.page_of_contacts(g.actor.tenant_id, path.list_id, query, **filters)
    )


@contacts.get(ONE_CONTACT, summary="Get a contact", responses={"200": ContactOut})
def get_contact(path: ContactPath) -> ContactOut:
    """One contact by its id."""
    return ContactOut.model_validate(service.get_contact(g.actor.tenant_id, path.list_id, path.contact_id))


@contacts.put(ONE_CONTACT, summary="Update a contact", responses={"200": ContactOut})
@refuses(409, "duplicate_phone", "This phone number is in the list already.")
def update_contact(path: ContactPath, body: ContactChange) -> ContactOut:
    """Replace a contact's name, e-mail and phone; null clears. Attributes are replaced where given."""
    changed = service.change_contact(g.actor.tenant_id, path.list_id, path.contact_id, **body.model_dump())
    return ContactOut.model_validate(changed)


@contacts.delete(ONE_CONTACT, summary="Delete a contact", responses={"204": None})
def delete_contact(path: ContactPath) -> None:
    """Soft-delete a contact. An opt-out of its number stays."""
    service.delete_contact(g.actor.tenant_id, path.list_id, path.contact_id)


@opting.post("/opt-outs", summary="Opt a number out", responses={"201": OptOutOut, "200": OptOutOut})
def create_opt_out(body: OptOutIn) -> tuple[OptOutOut, int]:
    """The number wants nothing more, on one channel or on all. 200 where that stood already."""
    standing, new = opt_outs.opt_out(g.actor.tenant_id, phone=body.phone, channel=body.channel, by=g.actor)
    return OptOutOut.model_validate(standing), 201 if new else 200


@opting.get("/opt-outs", summary="List opt-outs", responses={"200": OptOutPage})
def list_opt_outs(query: OptOutQuery) -> OptOutPage:
    """The tenant's opt-outs, newest first."""
    rows = opt_outs.opt_outs_of(g.actor.tenant_id, phone=query.phone, channel=query.channel)
    total = kept(g.actor.tenant_id, "opt_outs") if query.phone is query.channel is None else None
    return OptOutPage.model_validate(paginate(rows, query, by=OptOut.id, total=total))


@opting.delete("/opt-outs/<uuid:opt_out_id>", summary="Take an opt-out back", responses={"204": None})
def delete_opt_out(path: OptOutPath) -> None:
    """The number wants to hear from us again."""
    opt_outs.take_back(g.actor.tenant_id, path.opt_out_id, by=g.actor)


@opting.get("/opt-outs/history", summary="List who opted out and came back", responses={"200": ConsentPage})
def list_consent(query: ConsentQuery) -> ConsentPage:
    """When each number opted out and came back, by what and in whose name, newest first. Nothing here is ever
    changed or deleted. An extension of the index."""
    rows = opt_outs.history_of(g.actor.tenant_id, query.phone)
    return ConsentPage.model_validate(paginate(rows, query, by=ConsentEvent.id))


@opting.get("/settings/reply-words", summary="Get the reply words", responses={"200": ReplyWordsOut})
def get_reply_words() -> ReplyWordsOut:
    """The words that opt out and back in, and what is answered to them. An extension of the index."""
    return ReplyWordsOut.model_validate(keywords.words_of([g.actor.tenant_id])[g.actor.tenant_id])


@opting.put("/settings/reply-words", summary="Change the reply words", responses={"200": ReplyWordsOut})
@refuses(403, "forbidden", "Only owners and admins change settings.")
def change_reply_words(body: ReplyWordsIn) -> ReplyWordsOut:
    """Whoever answers one of these words, as a whole message, opts out of all channels or comes back, and is
    told so once. An extension of the index."""
    words = keywords.Words(body.out_words, body.back_words, body.out_reply, body.back_reply)
    return ReplyWordsOut.model_validate(keywords.set_words(g.actor.tenant_id, words, by=g.actor))

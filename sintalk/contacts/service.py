"""The verbs about lists and their contacts, and what other slices ask of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, Select, Text, any_, cast, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from sintalk.contacts import search as searching
from sintalk.contacts.models import Contact, ContactList, ListUse
from sintalk.contacts.opt_outs import opted_out_phones
from sintalk.db import atomic, session
from sintalk.errors import Conflict, NotFound
from sintalk.tenancy import owned
from sintalk.web import paging
from sintalk.web.paging import Window
from sintalk.web.schemas import PageQuery

__all__ = [
    "audience",
    "change_contact",
    "contacts_of",
    "count",
    "create_contact",
    "create_list",
    "delete_contact",
    "delete_list",
    "free_list",
    "get_contact",
    "get_list",
    "hold_list",
    "lists_of",
    "lock_list",
    "opted_out_phones",
    "page_of_contacts",
    "phones_in",
    "reachable",
    "rename_list",
]

# --- lists ------------------------------------------------------------------------------------------------


def lists_of(tenant_id: UUID) -> Select[ContactList]:
    """The tenant's lists, to be paged."""
    return select(ContactList).where(ContactList.tenant_id == tenant_id, ContactList.deleted_at.is_(None))


def get_list(tenant_id: UUID, list_id: UUID) -> ContactList:
    """One list. Raises NotFound."""
    return owned(ContactList, tenant_id, list_id)


def create_list(tenant_id: UUID, *, name: str) -> ContactList:
    """A new, empty list. Names need not be unique."""
    with atomic() as current:
        contact_list = ContactList(tenant_id=tenant_id, name=name)
        current.add(contact_list)
    return contact_list


def rename_list(tenant_id: UUID, list_id: UUID, *, name: str) -> ContactList:
    """Give a list another name. Raises NotFound."""
    with atomic():
        contact_list = owned(ContactList, tenant_id, list_id, lock=True)
        contact_list.name = name
    return contact_list


def delete_list(tenant_id: UUID, list_id: UUID) -> None:
    """Take a list away, and its contacts with it. Raises NotFound, 409 `list_in_use`."""
    with atomic() as current:
        contact_list = owned(ContactList, tenant_id, list_id, lock=True)
        if current.scalar(select(exists().where(ListUse.contact_list_id == list_id))):
            raise Conflict("list_in_use", _l("A running campaign or import uses this list."))
        contact_list.deleted_at = func.now()


def lock_list(tenant_id: UUID, list_id: UUID) -> ContactList:
    """Writers of a list take turns: hold its row until the transaction ends. Raises NotFound."""
    return owned(ContactList, tenant_id, list_id, lock=True)


def hold_list(tenant_id: UUID, list_id: UUID, kind: str, ref: UUID) -> None:
    """Keep this list while `kind` (import, campaign) `ref` works on it. Raises NotFound."""
    with atomic() as current:
        owned(ContactList, tenant_id, list_id, lock=True)
        use = {"tenant_id": tenant_id, "contact_list_id": list_id, "kind": kind, "ref": ref}
        current.execute(insert(ListUse).values(use).on_conflict_do_nothing())


def free_list(tenant_id: UUID, list_id: UUID, kind: str, ref: UUID) -> None:
    """The work of `hold_list` has ended."""
    with atomic() as current:
        current.execute(
            delete(ListUse).where(
                ListUse.tenant_id == tenant_id,
                ListUse.contact_list_id == list_id,
                ListUse.kind == kind,
                ListUse.ref == ref,
            )
        )


def count(list_id: UUID, more: int) -> None:
    """So many contacts more, or less, are in this list now; also to be called with 0 after a change of one."""
    session().execute(
        update(ContactList)
        .where(ContactList.id == list_id)
        .values(
            contact_count=ContactList.contact_count + more,
            version=ContactList.version + 1,
            updated_at=ContactList.updated_at,
        )
        .execution_options(synchronize_session=False)
    )


# --- contacts ---------------------------------------------------------------------------------------------


def contacts_of(
    tenant_id: UUID,
    list_id: UUID,
    *,
    search: str | None = None,
    phone: str | None = None,
    email: str | None = None,
) -> Select[Contact]:
    """The contacts of a list, to be paged, narrowed by what is given. Raises NotFound for the list."""
    owned(ContactList, tenant_id, list_id)
    rows = _contacts(phone, email).where(Contact.contact_list_id == list_id)
    return rows.where(searching.matching(search)) if search and search.strip() else rows


def page_of_contacts(
    tenant_id: UUID,
    list_id: UUID,
    query: PageQuery,
    *,
    search: str | None = None,
    phone: str | None = None,
    email: str | None = None,
) -> Window:
    """A page of these, however long the list is. Raises NotFound for the list."""
    found = owned(ContactList, tenant_id, list_id)
    rows, whose = _contacts(phone, email), (Contact.contact_list_id, list_id)
    if search and search.strip():
        matching = searching.matching(search)
        return paging.search(rows, matching, query, by=Contact.id, of=whose, within=found.contact_count)
    if phone or email:
        return paging.paginate(rows.where(Contact.contact_list_id == list_id), query, by=Contact.id, few=True)
    return paging.paginate(rows, query, by=Contact.id, of=whose, total=found.contact_count)


def get_contact(tenant_id: UUID, list_id: UUID, contact_id: UUID) -> Contact:
    """One contact of a list. Raises NotFound."""
    owned(ContactList, tenant_id, list_id)
    return _contact(tenant_id, list_id, contact_id)


def create_contact(
    tenant_id: UUID,
    list_id: UUID,
    *,
    name: str,
    email: str | None = None,
    phone: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> Contact:
    """Add a person. `phone` is E.164. Raises NotFound, 409 `duplicate_phone`."""
    with atomic() as current:
        owned(ContactList, tenant_id, list_id, lock=True)
        _refuse_duplicate(list_id, phone)
        contact = Contact(
            tenant_id=tenant_id,
            contact_list_id=list_id,
            name=name,
            email=email,
            phone=phone,
            attributes=dict(attributes or {}),
        )
        current.add(contact)
        current.flush()
        count(list_id, 1)
        current.refresh(contact)
    return contact


def change_contact(
    tenant_id: UUID,
    list_id: UUID,
    contact_id: UUID,
    *,
    name: str,
    email: str | None,
    phone: str | None,
    attributes: Mapping[str, str] | None = None,
) -> Contact:
    """Replace name, e-mail and phone; attributes only where given. Raises NotFound, 409 `duplicate_phone`."""
    with atomic() as current:
        owned(ContactList, tenant_id, list_id, lock=True)
        contact = _contact(tenant_id, list_id, contact_id)
        if phone != contact.phone:
            _refuse_duplicate(list_id, phone)
        contact.name, contact.email, contact.phone = name, email, phone
        if attributes is not None:
            contact.attributes = dict(attributes)
        count(list_id, 0)
        current.flush()
        current.refresh(contact)
    return contact


def delete_contact(tenant_id: UUID, list_id: UUID, contact_id: UUID) -> None:
    """Take a person off a list; an opt-out of the number stays. Raises NotFound."""
    with atomic():
        owned(ContactList, tenant_id, list_id, lock=True)
        contact = _contact(tenant_id, list_id, contact_id)
        contact.deleted_at = func.now()
        count(list_id, -1)


# --- for campaigns ----------------------------------------------------------------------------------------


def audience(
    tenant_id: UUID, list_id: UUID, *, after: UUID | None = None, until: UUID | None = None, limit: int = 1000
) -> Sequence[Row[Any]]:
    """The next contacts of a list by id: rows of `id, place, name, email, phone, attributes`, from `after` on.

    `place` is the cursor: what to go on after. Who came in later than `until` is passed over.
    """
    rows = select(
        Contact.id,
        Contact.id.label("place"),
        Contact.name,
        Contact.email,
        Contact.phone,
        Contact.attributes,
    ).where(Contact.tenant_id == tenant_id, Contact.contact_list_id == list_id, Contact.deleted_at.is_(None))
    if after is not None:
        rows = rows.where(Contact.id > after)
    if until is not None:
        rows = rows.where(Contact.id <= until)
    return session().execute(rows.order_by(Contact.id).limit(limit)).all()


def reachable(tenant_id: UUID, list_id: UUID, at_most: int) -> int:
    """How many contacts of a list have a phone, counted no further than `at_most`."""
    with_phone = (
        select(Contact.id)
        .where(
            Contact.tenant_id == tenant_id,
            Contact.contact_list_id == list_id,
            Contact.deleted_at.is_(None),
            Contact.phone.is_not(None),
        )
        .limit(at_most)
    )
    return session().scalar(select(func.count()).select_from(with_phone.subquery())) or 0


def phones_in(tenant_id: UUID, list_ids: Sequence[UUID], phones: Iterable[str]) -> set[str]:
    """Which of these numbers (E.164) stand in one of these lists."""
    asked = list(phones)
    if not asked or not list_ids:
        return set()
    rows = select(Contact.phone).where(
        Contact.tenant_id == tenant_id,
        Contact.contact_list_id.in_(list_ids),
        Contact.deleted_at.is_(None),
        Contact.phone == any_(cast(asked, ARRAY(Text))),
    )
    return {phone for phone in session().scalars(rows) if phone}


# --- inside -----------------------------------------------------------------------------------------------


def _contacts(phone: str | None, email: str | None) -> Select[Contact]:
    """Of any list: whose they are is for the caller to say."""
    rows = select(Contact).where(Contact.deleted_at.is_(None))
    if phone:
        rows = rows.where(searching.with_phone(phone))
    if email:
        rows = rows.where(searching.with_email(email))
    return rows.execution_options(populate_existing=True)


def _contact(tenant_id: UUID, list_id: UUID, contact_id: UUID) -> Contact:
    contact = session().scalars(
        select(Contact)
        .where(
            Contact.tenant_id == tenant_id,
            Contact.contact_list_id == list_id,
            Contact.id == contact_id,
            Contact.deleted_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )
    found = contact.one_or_none()
    if found is None:
        raise NotFound
    return found


def _refuse_duplicate(list_id: UUID, phone: str | None) -> None:
    """Whoever writes into a list holds the lock of its row, so looking first is enough."""
    same = exists().where(
        Contact.contact_list_id == list_id, Contact.phone == phone, Contact.deleted_at.is_(None)
    )
    if phone is not None and session().scalar(select(same)):
        raise Conflict("duplicate_phone", _l("This phone number is in the list already."))

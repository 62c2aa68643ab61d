"""What the index of the Sintalk Public API names: its tags in their order, its operations, its conventions.

The 29th operation of the index is the presigned PUT, which stands at the store and not here.
"""

from __future__ import annotations

TAGS = {
    "auth": "Create and manage API keys of your company. The plain key is shown only once, when it is made: "
    "keep it safe. All other operations need a valid key.",
    "billing": "The prepaid balance: what is available, what is reserved, how far it may be overdrawn. "
    "Platform admins may look at another company with `tenant_id`.",
    "campaigns": "Messages to whole lists by SMS, RCS and voice. Launching answers 202; sending runs in the "
    "background, and the stats tell how far it is.",
    "contacts": "The people of a contact list. `name` is required; `phone` and `email` are what campaigns need.",
    "contact-lists": "The lists that group contacts for campaigns and imports.",
    "contact-import": "CSV files into contact lists: start an import of a confirmed file, then ask for its "
    "progress.",
    "files": "Ask for a presigned URL, PUT the file straight to the store, then confirm it before it is used "
    "in an import or a voice template.",
    "notifications": "Single messages to one or more people from a template, and the history of every message.",
    "templates": "Reusable content for SMS, RCS (text, file, card, carousel, with suggestions) and voice.",
}

OPERATIONS = frozenset(
    {
        ("post", "/api-keys"),
        ("get", "/billing/balance"),
        ("post", "/campaigns"),
        ("get", "/campaigns"),
        ("get", "/campaigns/{id}"),
        ("post", "/campaigns/{id}/launch"),
        ("get", "/campaigns/{id}/stats"),
        ("post", "/contact-lists/{listId}/contacts"),
        ("get", "/contact-lists/{listId}/contacts"),
        ("get", "/contact-lists/{listId}/contacts/{id}"),
        ("put", "/contact-lists/{listId}/contacts/{id}"),
        ("delete", "/contact-lists/{listId}/contacts/{id}"),
        ("post", "/contact-lists"),
        ("get", "/contact-lists"),
        ("get", "/contact-lists/{id}"),
        ("put", "/contact-lists/{id}"),
        ("delete", "/contact-lists/{id}"),
        ("post", "/contact-lists/{listId}/import"),
        ("get", "/contact-lists/{listId}/import/{id}"),
        ("get", "/contact-lists/{listId}/imports"),
        ("post", "/files/upload-url"),
        ("post", "/files/confirm-upload"),
        ("get", "/files"),
        ("post", "/send"),
        ("get", "/notifications"),
        ("post", "/templates"),
        ("get", "/templates"),
        ("get", "/templates/{id}"),
    }
)

ABOUT = """\
Send SMS, RCS and voice messages, keep contact lists and templates, run campaigns, and read what became of them \
and what they cost. **[Getting started](/api/docs/getting-started)** takes you from a key to a delivered message.

| | |
|---|---|
| key | `X-API-Key: stk_live_...` or `Authorization: Bearer stk_live_...`; test keys (`stk_test_...`) reach no \
carrier but the simulator and cost nothing |
| ids | UUIDv7 |
| times | RFC 3339 in UTC, `2026-11-22T13:00:00.000Z` |
| phones | E.164, `+5511999999999`; any common Brazilian spelling is taken |
| money | integers in micro-units, 1 BRL = 1 000 000 |
| lists | `limit` and `offset`, newest first; `after=<id>` stays quick at any depth, while a deep `offset` \
walks over all that it leaves out. A filtered `total` may stop at 10 000, one of a `search` earlier, and then says \
`"total_is_exact": false` |
| errors | a stable `error_code`, a sentence for people, `details` that name the field, and the \
`request_id` to tell us |
| unknown fields | are refused: a typo must not vanish |
| ids of others | are answered like ids that do not exist |
| trying again | send an `Idempotency-Key` with any POST: the first answer is kept for 24 hours and given again |
| rate limits | per key, 6 000 requests a minute unless agreed otherwise: see the `RateLimit-*` headers |
"""

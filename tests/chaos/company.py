"""A company that goes on working while things are killed around it, and that remembers what it was promised.

It does what a careful integrator does: every request has its key, and is asked again until there is an answer.
Each message carries a tag of its own at the end of its text, so that the carrier's log says whose it was.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.live.journey import customers, number

PRICE = 80_000
#: Last four digits by row: not delivered, refused, taken without an answer, throttled at first, never a receipt.
SCRIPTED = {7: "0002", 13: "0003", 21: "0004", 34: "0006", 44: "0005"}
EVERY = 50
NOBODY_ANSWERS_S = 150.0
#: Campaigns under way at a time, people of a list that is imported meanwhile.
AT_ONCE, FEW = 3, 60

Told = tuple[str, str]
"""A number and the tag of what it was told."""


def endings(rows: int) -> dict[int, str]:
    """Who of so many customers has a fate of their own."""
    return {row: SCRIPTED[row % EVERY] for row in range(rows) if row % EVERY in SCRIPTED}


@dataclass
class People:
    """A list that was imported; `ready` once the import is done, `undone` where it was taken back."""

    list_id: str
    import_id: str
    rows: int
    ready: bool = False
    undone: bool = False

    def phones(self, *fates: str) -> list[str]:
        """Those with one of these endings; all where none is named."""
        special = endings(self.rows)
        each = ((row, special.get(row, "1234")) for row in range(self.rows))
        return [number(row, fate) for row, fate in each if not fates or fate in fates]


@dataclass
class Sent:
    """A campaign: whom it must reach, unless it is canceled, and who of them never has a receipt."""

    id: str
    tag: str
    people: People
    phones: list[str]
    silent: int
    follows: bool = False
    stats: dict[str, Any] = field(default_factory=dict)


class Company:
    """One tenant with its key, at work in threads of its own between `start` and `rest`."""

    def __init__(self, url: str, key: str, name: str, chance: random.Random, rows: int) -> None:
        self.name, self.chance, self.rows = name, chance, rows
        self.http = httpx.Client(
            base_url=f"{url}/api/v1", timeout=30, trust_env=False, headers={"X-API-Key": key}
        )
        self.lists: list[People] = []
        self.campaigns: list[Sent] = []
        self.singles: list[Told] = []
        self.failed: list[str] = []
        self.slowest_launch_s = 0.0
        self.stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._keys = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Go to work; with a list of customers, that is in."""
        self._import(self.rows)
        give_up = time.monotonic() + NOBODY_ANSWERS_S
        while not self.lists[0].ready:
            assert time.monotonic() < give_up, "the first import does not end"
            self._look_at(self.lists[0])
            time.sleep(0.2)
        for does in (self._campaigning, self._sending):
            thread = threading.Thread(target=self._guarded, args=(does,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def rest(self) -> None:
        """Begin nothing more; what was begun is brought to its answer."""
        self.stop.set()
        for thread in self._threads:
            thread.join(timeout=NOBODY_ANSWERS_S + 60)

    def ask(self, path: str, body: Any = None, *, fine: Sequence[int] = (200, 201, 202)) -> dict[str, Any]:
        """POST with a key of its own until there is an answer; `{}` for a refusal that is fine."""
        with self._lock:
            self._keys += 1
            head = {"Idempotency-Key": f"{self.name}-{self._keys}"}
        return self._insist(lambda: self.http.post(path, json=body, headers=head), fine, path)

    def see(self, path: str, **query: Any) -> dict[str, Any]:
        return self._insist(lambda: self.http.get(path, params=query), (200,), path)

    def unknown(self) -> Counter[Told]:
        """Whom the product is not sure about."""
        tags = {sent.id: sent.tag for sent in self.campaigns}
        single = dict(self.singles)
        rows = self._notifications(status="unknown")
        return Counter(
            (row["phone"], tags[row["campaign_id"]] if row["campaign_id"] else single[row["phone"]])
            for row in rows
        )

    def canceled(self) -> set[Told]:
        """Whom the product says it did not write to, as the campaign was canceled before."""
        return {
            (row["phone"], sent.tag)
            for sent in self.campaigns
            if sent.stats.get("canceled")
            for row in self._notifications(status="canceled", campaign_id=sent.id)
        }

    def look(self) -> None:
        """Ask how the campaigns stand, and let go on what stands still."""
        for sent in self.campaigns:
            if sent.stats and self.is_over(sent):
                continue
            sent.stats = self.see(f"/campaigns/{sent.id}/stats")
            if sent.stats["status"] == "paused":
                self.ask(f"/campaigns/{sent.id}/resume", fine=(202, 409))
        for people in self.lists:
            if not people.ready:
                self._look_at(people)

    def is_over(self, sent: Sent) -> bool:
        """Whether nothing of it is on its way any more, but for what the carrier never tells."""
        stats = sent.stats
        going = stats["queued"] + stats["sending"] + max(0, stats["sent"] - sent.silent)
        return stats["status"] in ("completed", "canceled") and going == 0

    def wanted(self) -> tuple[Counter[Told], Counter[Told]]:
        """Who must have been written to, and who may have been: people of canceled campaigns."""
        must, may = Counter(self.singles), Counter[Told]()
        for sent in self.campaigns:
            to = may if sent.stats["status"] == "canceled" else must
            to.update((phone, sent.tag) for phone in sent.phones)
        return must, may

    def _guarded(self, does: Callable[[], None]) -> None:
        try:
            does()
        except Exception as error:  # reported as a failure of the round
            self.failed.append(f"{self.name}: {error!r}"[:400])

    def _campaigning(self) -> None:
        while not self.stop.is_set():
            what = self.chance.choice(("look", "campaign", "campaign", "pause", "resume", "cancel", "import"))
            if what == "campaign":
                self._campaign()
            elif what == "import":
                if len(self.lists) < 1 + len(self.campaigns) // 3:
                    self._import(FEW)
            elif what == "look":
                self._look_around()
            else:
                self._change_of_mind(what)
            self.stop.wait(self.chance.uniform(0.1, 0.8))

    def _sending(self) -> None:
        text = {"text": "Oi, {{pedido}}!"}
        template = self.ask("/templates", {"name": "Pedido", "channel": "sms", "sms": text})["id"]
        place = 0
        while not self.stop.is_set():
            to = [
                (number(place + more, "7777"), f"{self.name}s{place + more}") for more in range(place % 3 + 1)
            ]
            place += len(to)
            people = [{"phone": phone, "variables": {"pedido": tag}} for phone, tag in to]
            body = {"channel": "sms", "template_id": template, "recipients": people}
            took = self.ask("/send", body)
            assert took["accepted"] == len(to), took
            self.singles += to
            self.stop.wait(self.chance.uniform(0.05, 0.4))

    def _campaign(self) -> None:
        """Launch one: over a list, as the follow-up of one that is over, or for a moment that comes soon."""
        lists = [people for people in self.lists if people.ready and not people.undone]
        going = [sent for sent in self.campaigns if not (sent.stats and self.is_over(sent))]
        if not lists or len(going) >= AT_ONCE:
            return self._look_around()
        parent = next(self._to_follow(), None) if self.chance.random() < 0.3 else None
        people = parent.people if parent else self.chance.choice(lists)
        tag = f"{self.name}c{len(self.campaigns)}"
        text = {"text": f"Oi {{{{nome}}}}, {tag}!"}
        template = self.ask("/templates", {"name": tag, "channel": "sms", "sms": text})["id"]
        body = {"name": tag, "channel": "sms", "template_id": template}
        if parent:
            parent.follows = True
            body |= {"parent_campaign_id": parent.id, "follow_up_on_status": "not_delivered"}
        else:
            body |= {"contact_list_id": people.list_id}
        made: dict[str, Any] = {}
        if self.chance.random() < 0.2:
            soon = {"scheduled_at": (datetime.now(UTC) + timedelta(seconds=4)).isoformat()}
            made = self.ask("/campaigns", body | soon, fine=(201, 422))  # nobody answered until it was past
        campaign_id = (made or self.ask("/campaigns", body))["id"]
        fates = ("0002",) if parent else ("1234", "0002", "0004", "0005", "0006")
        silent = 0 if parent else len(people.phones("0005"))
        self.campaigns.append(Sent(campaign_id, tag, people, people.phones(*fates), silent))
        began = time.monotonic()
        if not self.ask(f"/campaigns/{campaign_id}/launch", fine=(202, 422)):  # its time went by before that
            self.ask(f"/campaigns/{campaign_id}/launch", {"now": True})
        self.slowest_launch_s = max(self.slowest_launch_s, time.monotonic() - began)
        return None

    def _to_follow(self) -> Iterator[Sent]:
        """Campaigns whose undelivered are all known, and that nobody followed up on yet."""
        for sent in self.campaigns:
            known = len(sent.people.phones("0002"))
            over = sent.stats and sent.stats["status"] == "completed" and self.is_over(sent)
            if over and sent.silent and sent.stats["not_delivered"] == known > 0 and not sent.follows:
                yield sent

    def _change_of_mind(self, verb: str) -> None:
        going = [sent for sent in self.campaigns if not (sent.stats and self.is_over(sent))]
        if going and (verb != "cancel" or self.chance.random() < 0.3):
            self.ask(f"/campaigns/{self.chance.choice(going).id}/{verb}", fine=(200, 202, 409))

    def _look_around(self) -> None:
        for sent in self.campaigns[-2 * AT_ONCE :]:
            sent.stats = self.see(f"/campaigns/{sent.id}/stats")
        for people in self.lists:
            if not people.ready:
                self._look_at(people)

    def _look_at(self, people: People) -> None:
        seen = self.see(f"/contact-lists/{people.list_id}/import/{people.import_id}")
        assert seen["status"] not in ("failed", "canceled"), seen
        people.ready = seen["status"] == "completed"
        if people.ready:
            assert seen["created_count"] == people.rows, seen
            people.undone = people.rows == FEW and self.chance.random() < 0.25
            if people.undone:
                self.ask(f"/imports/{people.import_id}/undo")

    def _import(self, rows: int) -> None:
        list_id = self.ask("/contact-lists", {"name": "Clientes"})["id"]
        wish = {"kind": "csv", "filename": "clientes.csv", "content_type": "text/csv"}
        made = self.ask("/files/upload-url", wish)
        content = customers(rows, endings=endings(rows))
        put = self._insist(
            lambda: httpx.put(made["upload_url"], content=content, headers=made["headers"], trust_env=False),
            (200,),
            "upload",
            reads=False,
        )
        assert put == {}
        self.ask("/files/confirm-upload", {"file_id": made["file_id"]})
        begun = self.ask(f"/contact-lists/{list_id}/import", {"file_id": made["file_id"]})
        self.lists.append(People(list_id, begun["id"], rows))

    def _notifications(self, **query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self.see("/notifications", limit=100, offset=len(rows), **query)
            rows += page["data"]
            if not page["has_more"]:
                return rows

    def _insist(
        self, ask: Callable[[], httpx.Response], fine: Sequence[int], what: str, *, reads: bool = True
    ) -> dict[str, Any]:
        give_up, said = time.monotonic() + NOBODY_ANSWERS_S, "nothing"
        while time.monotonic() < give_up:
            with contextlib.suppress(httpx.HTTPError):
                answer = ask()
                said = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code in fine:
                    return dict(answer.json()) if reads and answer.status_code < 400 else {}
                later = answer.status_code >= 500 or "idempotency_in_progress" in answer.text
                assert later, f"{what} was refused: {said}"
            time.sleep(0.2)
        raise AssertionError(f"{what}: no answer for {NOBODY_ANSWERS_S:.0f} s, the last: {said}")

"""A round of chaos over the running product: companies work, things are killed, then there is calm, and a count.

The oracle is the carrier's own log, never our tables; these are then held against it, and so is the money.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import psycopg

from sintalk import create_app
from sintalk.config import Settings
from sintalk.db import db
from sintalk.messages import asking
from sintalk.servers import Stack, start_stack
from tests import factories
from tests.carriers.running import Running
from tests.chaos.company import PRICE, Company, Told
from tests.chaos.proxy import Proxy
from tests.chaos.strikes import Hand, Strike
from tests.live.product import Product, free_port, processes_of, run

#: How long it may take until all is done after the last strike; a lease is 30 s, a stalled call 20 s.
CALM_S = 240.0
CREDIT, SUB_BATCH = 1_000_000, 200
#: Whom the reaper found with a worker that was gone, a claim each, whatever was learned of them afterwards.
CUT_OFF = """
    SELECT count(*) FROM notifications WHERE trail @> '[{"what": "worker_lost"}]'
     GROUP BY dispatch_id, chunk_no, fence
"""
SECRET = "a key that only the chaos has"


@dataclass(frozen=True)
class Kind:
    """What a round is like. `away_s`: so long Redis is gone, while killing goes on.

    `idempotent`: the carrier takes an id only once, and says what it has when it is asked; else neither.
    """

    name: str
    links: bool = False
    idempotent: bool = True
    away_s: float = 0.0


OWN = Kind("own servers, killed too")
LINKS = Kind("behind fault proxies", links=True)
BLIND = Kind("a carrier without look-up", idempotent=False)


class Round:
    """One product, from its start to its calm; `failed` says what must not be."""

    def __init__(
        self, folder: Path, chance: random.Random, kind: Kind, *, rows: int = 400, tenants: int = 3
    ) -> None:
        self.folder, self.chance, self.kind, self.rows, self.tenants = folder, chance, kind, rows, tenants
        self.hand = Hand(folder, chance)
        self.companies: list[Company] = []
        self.failed: list[str] = []
        self.messages = self.lost = self.doubled = self.unknown = self.cut_off = self.while_away = 0
        self.calm_s = self.launch_s = 0.0
        self.links: dict[str, Proxy] = {}

    def run(self, kills: int, *, until: float) -> None:
        """Work and strike until so many were killed, or this moment of `time.monotonic` came."""
        with self._running() as product:
            try:
                self._storm(kills, until)
                began = time.monotonic()
                self._calm(product)
                self.calm_s = time.monotonic() - began
                self._count(product)
            except AssertionError as error:
                self.failed += [str(error)[:600], *self._at_work("postgres")]

    def said(self) -> str:
        """One line."""
        return (
            f"{self.kind.name}: {self.hand.kills.total()} kills, {self.hand.faults.total()} other faults, "
            f"{self.messages} messages, lost {self.lost}, doubled {self.doubled}, unknown {self.unknown}, "
            f"calm after {self.calm_s:.0f} s, slowest launch {self.launch_s:.1f} s"
            + (f", {self.cut_off} cut off" if self.cut_off else "")
            + (f", {self.while_away} sent while Redis was gone" if self.kind.away_s else "")
            + "".join(f"\n  FAILED: {sentence}" for sentence in self.failed)
        )

    def _at_work(self, words: str) -> list[str]:
        """What its processes of this name are at, down to where in the kernel they wait."""
        told = []
        for pid in processes_of(self.folder, words):
            proc = Path(f"/proc/{pid}")
            with contextlib.suppress(OSError):
                title = proc.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                state = proc.joinpath("stat").read_text().rpartition(")")[2].split()[0]
                told.append(f"{title}: {state}, {proc.joinpath('wchan').read_text()}")
        return told

    def _storm(self, kills: int, until: float) -> None:
        for company in self.companies:
            company.start()
        back = 0.0
        if self.kind.away_s:
            time.sleep(5)  # the workers listen, and must notice
            taken_before = self._taken().total()
            self.links["REDIS_URL"].down()
            back = min(until, time.monotonic() + self.kind.away_s)
        while time.monotonic() < back or (self.hand.kills.total() < kills and time.monotonic() < until):
            self.hand.strikes()
            pause = self.chance.uniform(0.2, 1.2)
            time.sleep(pause if not back else self.kind.away_s / kills * 1.2 * pause)
        if back:
            self.while_away = self._taken().total() - taken_before
            if not self.while_away:
                self.failed.append("nothing was sent while Redis was gone")
            self.links["REDIS_URL"].up()
        self.hand.rests()
        for link in self.links.values():
            link.heal()

    def _calm(self, product: Product) -> None:
        for company in self.companies:
            company.rest()
            self.failed += company.failed
            self.launch_s = max(self.launch_s, company.slowest_launch_s)
        give_up = time.monotonic() + CALM_S
        while why := self._unfinished():
            assert time.monotonic() < give_up, f"it did not calm down: {why}"
            if "is not sure of" in why and self.kind.idempotent:
                self._time_passes(product)
            time.sleep(0.5)

    def _unfinished(self) -> str:
        """What is still under way; empty once nothing is."""
        for company in self.companies:
            company.look()
        for company in self.companies:
            for sent in company.campaigns:
                if not company.is_over(sent):
                    return f"{sent.tag}: {sent.stats}"
            for people in company.lists:
                if not people.ready:
                    return f"the import {people.import_id}"
            held, unknown = company.see("/billing/balance")["reserved"], company.unknown()
            if held != PRICE * unknown.total():
                return f"{company.name} has {held} held for {unknown.total()} unknown"
            silent = {phone for people in company.lists for phone in people.phones("0005")}
            settled = {told for told in self._taken() & unknown if told[0] not in silent}
            if settled or (self.kind.idempotent and unknown):
                return f"{company.name} is not sure of {dict(unknown)}"[:400]
        return ""

    def _time_passes(self, product: Product) -> None:
        """What the carrier has not by now never comes: nothing is on its way to it any more."""
        database = {**product.servers(), **product.env}["DATABASE_URL"]
        with psycopg.connect(database, autocommit=True) as server:
            server.execute(
                "UPDATE notifications SET sending_at = sending_at - %(by)s"
                " WHERE status = 'unknown' AND sending_at > clock_timestamp() - %(by)s",
                {"by": asking.NEVER_CAME},
            )

    def _count(self, product: Product) -> None:
        """Hold what the companies were promised against the carrier's log, and the money against both."""
        took = self._taken()
        must, may, unknown = Counter[Told](), Counter[Told](), Counter[Told]()
        for company in self.companies:
            its_must, its_may = company.wanted()
            its_unknown = company.unknown()
            must, may, unknown = must + its_must, may + its_may, unknown + its_unknown
            self._look_at_money(company, took, its_unknown)
            if took.keys() & company.canceled():
                self.failed.append(f"{company.name}: canceled, and sent all the same")
            for people in company.lists:
                there = company.see(f"/contact-lists/{people.list_id}")["contact_count"]
                if not people.undone and there != people.rows:
                    self.failed.append(f"{company.name}: a list of {people.rows} has {there}")
        self.messages = took.total()
        self.lost = (must - took - unknown).total()
        self.doubled = (took - (must | may)).total()
        self.unknown = unknown.total()
        if self.lost or self.doubled:
            who = [*(must - took - unknown), *(took - (must | may))][:5]
            self.failed.append(f"lost {self.lost}, doubled {self.doubled}: {who}")
        if self.kind.idempotent and self.unknown:
            self.failed.append(f"{self.unknown} unknown, and the carrier could be asked")
        if not self.kind.idempotent:
            self._look_at_the_cut_off(product)
        checked = run("check", env=product.env)
        if checked.stdout != "No violation.\n":
            self.failed.append(checked.stdout[:1500] + checked.stderr[-500:])

    def _look_at_the_cut_off(self, product: Product) -> None:
        """One death leaves one worker's one sub-batch in doubt: what was cut off in one claim of a chunk."""
        database = {**product.servers(), **product.env}["DATABASE_URL"]
        with psycopg.connect(database) as server:
            cut = [size for (size,) in server.execute(CUT_OFF).fetchall()]
        if cut and max(cut) > SUB_BATCH:
            self.failed.append(f"{max(cut)} messages of one worker in doubt, more than a sub-batch")
        if len(cut) > self.hand.sub_batches():
            self.failed.append(f"{len(cut)} sub-batches in doubt after {self.hand.sub_batches()} deaths")
        self.cut_off = sum(cut)

    def _look_at_money(self, company: Company, took: Counter[Told], unknown: Counter[Told]) -> None:
        mine = Counter({told: times for told, times in took.items() if told[1].startswith(company.name)})
        paid = (mine - unknown).total()
        balance = company.see("/billing/balance")
        left = balance["available"] + balance["reserved"]
        if left != CREDIT * factories.BRL - PRICE * paid:
            self.failed.append(f"{company.name} has {left} left after {paid} messages at {PRICE}")

    def _taken(self) -> Counter[Told]:
        """How often the carrier took what, by its own log."""
        log = next(iter(self.folder.rglob("accepted.jsonl")), None)
        lines = log.read_bytes().splitlines(keepends=True) if log else []
        read = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return Counter((line["to"], line["text"].rsplit(" ", 1)[1].removesuffix("!")) for line in read)

    @contextlib.contextmanager
    def _running(self) -> Iterator[Product]:
        """The product, its companies, and what may strike it; all of it gone afterwards."""
        stack: Stack | None = None
        carrier: Running | None = None
        able = str(int(self.kind.idempotent))
        env = {
            "SINTALK_SECRET_KEY": SECRET,
            "SINTALK_SIMULATOR_IDEMPOTENT": able,
            "SINTALK_SIMULATOR_LOOKUP": able,
        }
        env["SINTALK_SIMULATOR_LATENCY_MS"] = str(self.chance.choice((0, 30, 150)))
        product: Product | None = None
        try:
            if self.kind.links:
                stack, carrier = self._servers(env)
                env |= {name: self._through(name, url) for name, url in stack.env.items()}
                env["SINTALK_SIMULATOR_URL"] = self._through("carrier", f"http://127.0.0.1:{carrier.port}")
            product = Product(self.folder / "product", **env).start()
            self.companies = self._companies(product)
            if carrier:
                self.hand.adds(Strike("carrier", lambda: _again(carrier), deadly=True))
                self.hand.with_links(*(self.links[name] for name in ("DATABASE_URL", "REDIS_URL", "carrier")))
            else:
                self.hand.with_own_servers(product.servers()["REDIS_URL"])
            yield product
        finally:
            if product:
                product.end()
            for link in self.links.values():
                link.down()
            if carrier:
                carrier.kill()
            if stack:
                stack.stop(patience=5)

    def _servers(self, env: dict[str, str]) -> tuple[Stack, Running]:
        data = self.folder / "servers"
        settings = Settings.from_env({"SINTALK_DATA": str(data), **env})
        stack = start_stack(data, replace(settings), durable=True, only=("postgres", "valkey"))
        # A port that no connection of anybody's takes for its own end while the carrier is dead.
        carrier = Running(self.folder / "carrier", free_port(), dict(env), said=self.folder / "carrier.log")
        return stack, carrier.start()

    def _through(self, name: str, url: str) -> str:
        """The same address, through a proxy of this name."""
        there = urlsplit(url)
        socket = parse_qs(there.query).get("host")
        target = f"{socket[0]}/.s.PGSQL.5432" if socket else (there.hostname or "", there.port or 0)
        link = self.links[name] = Proxy(target)
        who = there.netloc.rpartition("@")[0]
        place = f"{who}@127.0.0.1:{link.port}" if who else f"127.0.0.1:{link.port}"
        return urlunsplit(there._replace(netloc=place, query=""))

    def _companies(self, product: Product) -> list[Company]:
        app = create_app(Settings.from_env(product.env))
        made = []
        with app.app_context():
            for place in range(self.tenants):
                name = chr(ord("A") + place)
                owner = factories.owner(f"{name.lower()}@example.com", f"Loja {name}")
                factories.money(owner.tenant_id, CREDIT)
                mind = random.Random(self.chance.random())
                made.append(Company(product.url, factories.key(owner), name, mind, self.rows))
            db.session.remove()
            db.engine.dispose()
        return made


def remains(folder: Path) -> list[int]:
    """Processes that a round left behind: none."""
    return processes_of(folder)


def _again(carrier: Running) -> bool:
    carrier.kill()
    carrier.start()
    return True


def in_one_table(rounds: list[Round], **more: Any) -> str:
    """All rounds in Markdown, for the README."""
    kills, faults = Counter[str](), Counter[str]()
    for each in rounds:
        kills += each.hand.kills
        faults += each.hand.faults
    lines = [
        "| rounds | kills | messages | lost | doubled | unknown | longest recovery |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(each.kind.name for each in rounds):
        mine = [each for each in rounds if each.kind.name == name]
        sums = [
            sum(getattr(each, what) for each in mine) for what in ("messages", "lost", "doubled", "unknown")
        ]
        dead = sum(each.hand.kills.total() for each in mine)
        cells = [f"{len(mine)}, {name}", dead, *sums, f"{max(each.calm_s for each in mine):.0f} s"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    for title, counts in (("Killed", kills), ("Other faults", faults)):
        lines.append("")
        lines.append(
            f"{title}: " + ", ".join(f"{name} {times}" for name, times in counts.most_common()) + "."
        )
    slowest = max((each.launch_s for each in rounds), default=0.0)
    lines.append("")
    lines.append(f"Slowest launch: {slowest:.1f} s.")
    return "\n".join(lines)

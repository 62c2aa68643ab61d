"""The main job by API, as an integrator does it: a CSV becomes a list, a template a campaign, money messages."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.live.product import Product

FIRST = (
    "João",
    "Maria",
    "José",
    "Ana",
    "Antônio",
    "Conceição",
    "Luís",
    "Lúcia",
    "Inês",
    "Mônica",
    "Ângela",
    "Cauê",
)
LAST = ("da Silva", "Araújo", "Gonçalves", "Magalhães", "Brandão", "Simões", "Leão", "Assunção", "Guimarães")
CITIES = ("São Paulo", "Brasília", "Goiânia", "Maceió", "Belém", "Vitória", "Florianópolis")
#: How a number may be written; all are the same to us.
SPELLINGS = ("({0}) {1}-{2}", "{0}{1}{2}", "+55 {0} {1}{2}", "0{0} {1}-{2}", "55{0}{1}{2}")


def customers(count: int, *, endings: dict[int, str] | None = None, seed: int = 1) -> bytes:
    """A CSV as Excel in Brazil writes it: semicolons, cp1252. `endings`: last four digits by row number."""
    chance = random.Random(seed)
    lines = ["Nome;Celular;E-mail;Cidade"]
    for row in range(count):
        last_four = (endings or {}).get(row, "1234")
        phone = chance.choice(SPELLINGS).format(11 + row // 10_000, f"9{row % 10_000:04d}", last_four)
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
        lines.append(f"{name};{phone};cliente{row}@example.com;{chance.choice(CITIES)}")
    return "\r\n".join([*lines, ""]).encode("cp1252")


class Integrator:
    """Somebody with a key and an HTTP client."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.http = httpx.Client(base_url=f"{product.url}/api/v1", timeout=60, trust_env=False)
        made = self.http.post(
            "/api-keys",
            json={"name": "shop", "role": "admin"},
            auth=("owner@sintalk.local", product.password()),
        )
        assert made.status_code == 201, made.text
        self.http.headers["X-API-Key"] = made.json()["key"]

    def post(self, path: str, body: Any = None, *, expect: int = 201) -> dict[str, Any]:
        answer = self.http.post(path, json=body)
        assert answer.status_code == expect, (path, answer.status_code, answer.text)
        return answer.json()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def upload(self, content: bytes) -> str:
        """Presigned PUT, confirmed; the file's id."""
        made = self.post(
            "/files/upload-url", {"kind": "csv", "filename": "clientes.csv", "content_type": "text/csv"}
        )
        put = httpx.put(made["upload_url"], content=content, headers=made["headers"], trust_env=False)
        assert put.status_code == 200, put.text
        self.post("/files/confirm-upload", {"file_id": made["file_id"]}, expect=200)
        return str(made["file_id"])

    def import_list(self, content: bytes) -> tuple[str, dict[str, Any]]:
        """A new list with the file's people; its id and how the import ended."""
        list_id = self.post("/contact-lists", {"name": "Clientes"})["id"]
        begun = self.post(f"/contact-lists/{list_id}/import", {"file_id": self.upload(content)}, expect=202)
        path = f"/contact-lists/{list_id}/import/{begun['id']}"
        return list_id, self.wait(path, lambda seen: seen["status"] in ("completed", "failed", "canceled"))

    def draft(self, list_id: str, text: str) -> str:
        template = self.post("/templates", {"name": "Natal", "channel": "sms", "sms": {"text": text}})
        body = {"name": "Natal", "channel": "sms", "template_id": template["id"], "contact_list_id": list_id}
        return str(self.post("/campaigns", body)["id"])

    def launch(self, campaign_id: str) -> None:
        self.post(f"/campaigns/{campaign_id}/launch", expect=202)

    def stats(self, campaign_id: str) -> dict[str, Any]:
        return self.get(f"/campaigns/{campaign_id}/stats")

    def wait(self, path: str, done: Any, *, seconds: float = 180.0) -> dict[str, Any]:
        """Ask until it is done; fails with the last answer."""
        give_up = time.monotonic() + seconds
        while True:
            seen = self.get(path)
            if done(seen):
                return seen
            assert time.monotonic() < give_up, seen
            time.sleep(0.2)


def accepted(data: Path) -> Counter[str]:
    """How often each number was written to, by the carrier's own log."""
    lines = (data / "simulator" / "accepted.jsonl").read_text().splitlines()
    return Counter(json.loads(line)["to"] for line in lines)


def number(row: int, last_four: str = "1234") -> str:
    """The E.164 number of a row of `customers`."""
    return f"+55{11 + row // 10_000}9{row % 10_000:04d}{last_four}"

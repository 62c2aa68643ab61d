"""Made-up people: the same ones at every run, as a clean table has them and as a messy file does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from sintalk.db import new_id

FIRST = (
    "Ana",
    "João",
    "Maria",
    "José",
    "Antônia",
    "Luís",
    "Conceição",
    "Sebastião",
    "Inês",
    "Lázaro",
    "Brígida",
)
LAST = (
    "da Silva",
    "dos Santos",
    "Araújo",
    "Gonçalves",
    "de Oliveira",
    "Assunção",
    "Pereira",
    "Lima",
    "Nóbrega",
)
CITIES = (
    "São Paulo",
    "Campinas",
    "Belém",
    "Goiânia",
    "Maceió",
    "Brasília",
    "Florianópolis",
    "Vitória",
    "Cuiabá",
)
AREAS = (11, 19, 21, 27, 31, 41, 47, 48, 51, 61, 62, 65, 71, 81, 82, 85, 91, 92)

COPY = """COPY contacts (id, tenant_id, contact_list_id, name, email, phone, attributes, created_at, updated_at)
          FROM STDIN"""
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Person:
    """`phone` in E.164; none ends in 0000 to 0999, so the simulator delivers to all of them."""

    name: str
    phone: str
    city: str
    bill: str


def people(count: int) -> Iterator[Person]:
    """As many, each with a number of their own."""
    for number in range(count):
        block, last = divmod(number // len(AREAS), 9_000)
        yield Person(
            name=f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]} {LAST[number // 7 % len(LAST)]}",
            phone=f"+55{AREAS[number % len(AREAS)]}9{8_000 + block:04d}{1_000 + last:04d}",
            city=CITIES[number // 3 % len(CITIES)],
            bill=f"{number % 900 + 10},{number % 100:02d}",
        )


def messy_file(count: int) -> bytes:
    """They as a shop's spreadsheet would save them: semicolons, cp1252, numbers as people write them."""
    lines = ["Nome;Celular;Cidade;Fatura"]
    for each in people(count):
        phone = each.phone
        lines.append(f"{each.name};({phone[3:5]}) {phone[5:10]}-{phone[10:]};{each.city};{each.bill}")
    return "\r\n".join([*lines, ""]).encode("cp1252")


def clean_blocks(count: int, tenant_id: UUID, list_id: UUID) -> list[bytes]:
    """They as lines for COPY, ready to be sent."""
    moment = datetime.now(UTC).isoformat()
    blocks, lines = [], []
    for each in people(count):
        attributes = json.dumps({"Cidade": each.city, "Fatura": each.bill}, ensure_ascii=False)
        lines.append(
            f"{new_id()}\t{tenant_id}\t{list_id}\t{each.name}\t\\N\t{each.phone}\t{attributes}\t{moment}\t{moment}\n"
        )
        if len(lines) == AT_ONCE:
            blocks.append("".join(lines).encode())
            lines = []
    return [*blocks, "".join(lines).encode()]


def copy(connection: psycopg.Connection[object], blocks: list[bytes]) -> None:
    """Raw COPY of these lines into the contacts, with all their indexes, and a commit."""
    with connection.cursor() as cursor, cursor.copy(COPY) as writer:
        for block in blocks:
            writer.write(block)
    connection.commit()

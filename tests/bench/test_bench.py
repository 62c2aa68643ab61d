"""The benchmarks' own parts that do not need a running product."""

from __future__ import annotations

import csv
import json

import psycopg
from flask import Flask

from bench.bulk import Size, fill
from bench.harness import Figure, table
from bench.people import clean_blocks, messy_file, people
from sintalk.carriers.simulator.outcomes import DELIVERED, fate_of
from sintalk.contacts import phones
from sintalk.db import new_id

COUNT = 20_000


def test_everybody_has_a_mobile_number_of_their_own_that_the_simulator_delivers_to():
    numbers = [person.phone for person in people(COUNT)]
    assert len(set(numbers)) == COUNT
    assert all(fate_of(number) is DELIVERED for number in numbers)
    assert all(phones.read(number).phone == number for number in numbers[:500])


def test_the_messy_file_and_the_clean_rows_are_the_same_people():
    messy = list(csv.DictReader(messy_file(500).decode("cp1252").splitlines(), delimiter=";"))
    clean = [
        line.split("\t") for line in b"".join(clean_blocks(500, new_id(), new_id())).decode().splitlines()
    ]
    assert [(row["Nome"], phones.read(row["Celular"]).phone) for row in messy] == [
        (row[3], row[5]) for row in clean
    ]
    assert json.loads(clean[7][6]) == {name: messy[7][name] for name in ("Cidade", "Fatura")}


def test_the_table_says_what_is_too_low():
    lines = table([Figure("a", 10, "b", 100, 0.2), Figure("c", 30, "d", 100, 0.2), Figure("e", 1, "f", 2)])
    assert [line.split()[-1] for line in lines.splitlines()[1:]] == ["LOW", "good", "0.50"]


def test_the_long_history_fits_the_tables_as_they_are(app: Flask, database: str, alice):
    with psycopg.connect(database) as connection:
        made = fill(connection, alice.tenant_id, Size(notifications=600, contacts=50))
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM notifications), (SELECT sum(total) FROM dispatches),"
            " (SELECT count(*) FROM contacts), (SELECT total FROM tenant_counts WHERE kind = 'campaigns'),"
            " (SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s)",
            (made.webhook_id,),
        ).fetchone()
    assert counted == (600, 600, 50, 60, 100)

"""The main job on the whole product: every process, every socket, 10,000 people."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live.journey import Integrator, accepted, customers, number
from tests.live.product import Product

pytestmark = pytest.mark.live
ROWS = 10_000
ENDINGS = {100: "0002", 200: "0003", 300: "0004", 400: "0006"}
PRICE = 80_000


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("product"))
    try:
        yield product.start()
    finally:
        product.end()


def test_from_a_csv_of_ten_thousand_to_the_last_receipt_and_the_last_cent(product: Product):
    shop = Integrator(product)
    before = shop.get("/billing/balance")["available"]
    list_id, done = shop.import_list(customers(ROWS, endings=ENDINGS))
    assert (done["status"], done["total_rows"], done["created_count"]) == ("completed", ROWS, ROWS), done
    assert shop.get(f"/contact-lists/{list_id}")["contact_count"] == ROWS

    campaign_id = shop.draft(list_id, "Oi {{nome}}, chegou a hora em {{Cidade}}!")
    shop.launch(campaign_id)
    stats = shop.wait(
        f"/campaigns/{campaign_id}/stats",
        lambda seen: seen["status"] == "completed" and seen["settled_at"] and seen["delivered"] >= ROWS - 2,
    )
    assert (stats["total"], stats["delivered"], stats["not_delivered"], stats["error"]) == (
        ROWS,
        ROWS - 2,
        1,
        1,
    )
    assert stats["reserved_micros"] == 0

    took = accepted(product.data)
    refused = number(200, "0003")
    everybody = {number(row, ENDINGS.get(row, "1234")) for row in range(ROWS)} - {refused}
    assert set(took) == everybody and set(took.values()) == {1}

    after = shop.get("/billing/balance")
    assert (before - after["available"], after["reserved"]) == (stats["cost_micros"], 0)
    assert stats["cost_micros"] == PRICE * (stats["segments"] - _parts_of(shop, refused))
    checked = product.run("check")
    assert (checked.returncode, checked.stdout) == (0, "No violation.\n"), checked.stdout


def test_what_must_be_refused_is_refused_and_changes_nothing(product: Product):
    shop = Integrator(product)
    list_id = shop.post("/contact-lists", {"name": "Vazia"})["id"]
    before = shop.get("/billing/balance")

    unconfirmed = shop.post(
        "/files/upload-url", {"kind": "csv", "filename": "x.csv", "content_type": "text/csv"}
    )["file_id"]
    answer = shop.http.post("/files/confirm-upload", json={"file_id": unconfirmed})
    assert (answer.status_code, answer.json()["error_code"]) == (409, "upload_missing")
    answer = shop.http.post(f"/contact-lists/{list_id}/import", json={"file_id": unconfirmed})
    assert (answer.status_code, answer.json()["error_code"]) == (409, "file_not_confirmed")

    picture = shop.post("/files/upload-url", {"kind": "csv", "filename": "x.csv", "content_type": "text/csv"})
    httpx.put(picture["upload_url"], content=b"\x89PNG\r\n\x1a\n" + b"\0" * 64, headers=picture["headers"])
    answer = shop.http.post("/files/confirm-upload", json={"file_id": picture["file_id"]})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "content_mismatch")

    campaign_id = shop.draft(list_id, "Oi {{nome}}")
    answer = shop.http.post(f"/campaigns/{campaign_id}/launch")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "empty_audience")
    assert shop.get("/billing/balance") == before
    assert shop.get(f"/contact-lists/{list_id}")["contact_count"] == 0


def _parts_of(shop: Integrator, phone: str) -> int:
    return int(shop.get("/notifications", phone=phone)["data"][0]["segments"])

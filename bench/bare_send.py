"""The control of `bench.send`: a Flask view that validates the same body and does one INSERT and one COMMIT.

It knows no tenants, keys, prices or opt-outs, holds no money and sends nothing. Served by the product's own
gunicorn settings, one connection a thread.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import psycopg
from flask import Flask, Response, request

from sintalk.config import Settings
from sintalk.db import new_id, now
from sintalk.messages.schemas import SendIn

INSERT = """
    INSERT INTO bare_notifications
           (id, tenant_id, dispatch_id, chunk_no, template_id, channel, phone, addressable, text, encoding,
            segments, price_micros, status, attempts, fence, carrier, created_at, updated_at)
    VALUES (%(id)s, %(tenant)s, %(tenant)s, 0, %(template)s, 'sms', %(phone)s, false, %(text)s, 'gsm7',
            1, 80000, 'queued', 0, 0, 'simulator', %(at)s, %(at)s)
"""
TENANT = new_id()

app = Flask(__name__)
_url = Settings.from_env().database_url
_own = threading.local()


@app.post("/send")
def send() -> Response:
    body = SendIn.model_validate(json.loads(request.get_data()))
    id_, one = new_id(), body.recipients[0]
    values: dict[str, Any] = {"id": id_, "tenant": TENANT, "template": body.template_id, "phone": one.phone}
    connection = _connection()
    connection.execute(INSERT, {**values, "text": one.variables["pedido"], "at": now()})
    connection.commit()
    return Response(json.dumps({"data": [{"id": str(id_)}]}), status=202, mimetype="application/json")


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_own, "connection"):
        _own.connection = psycopg.connect(_url or "")
    return _own.connection  # type: ignore[no-any-return]

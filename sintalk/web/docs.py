"""The API's document, made from the code, and the pages that show it."""

from __future__ import annotations

import hashlib
import json

from flask import Flask, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from sintalk.config import Settings
from sintalk.web import API_PREFIX, openapi


def init(app: Flask) -> None:
    """Serve `/api/v1/openapi.json` and the pages below `/api/docs`, all open to everybody."""
    for path, endpoint, view in (
        (f"{API_PREFIX}/openapi.json", "openapi_json", openapi_json),
        ("/api/docs", "docs", docs),
        ("/api/docs/getting-started", "docs_getting_started", getting_started),
    ):
        view.public = True  # type: ignore[attr-defined]
        app.add_url_rule(path, endpoint, view)


def openapi_json() -> ResponseReturnValue:
    """The OpenAPI 3.1 document; written once a process."""
    kept = current_app.extensions.get("sintalk.openapi")
    if kept is None:
        document = openapi.document(current_app)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        kept = text, hashlib.sha256(text.encode()).hexdigest()[:16]
        current_app.extensions["sintalk.openapi"] = kept
    answer = Response(kept[0], mimetype="application/json")
    answer.set_etag(kept[1])
    return answer.make_conditional(request)


def docs() -> ResponseReturnValue:
    """Every operation, to be read and tried."""
    return render_template("docs/reference.html", api_prefix=API_PREFIX)


def getting_started() -> ResponseReturnValue:
    """From a key to a delivered message."""
    settings: Settings = current_app.config["SETTINGS"]
    return render_template("docs/getting_started.html", api=settings.public_url + API_PREFIX)

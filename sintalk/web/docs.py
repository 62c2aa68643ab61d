"""The API's document, made from the code."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, jsonify
from flask.typing import ResponseReturnValue

from sintalk.web.api import PREFIX


def init(app: Flask) -> None:
    """Serve `/api/v1/openapi.json`."""
    openapi_json.public = True  # type: ignore[attr-defined]
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi_json", openapi_json)


def openapi_json() -> ResponseReturnValue:
    """The OpenAPI 3.1 document; open to everybody."""
    document: dict[str, Any] = current_app.api_doc  # type: ignore[attr-defined]
    return jsonify(document)

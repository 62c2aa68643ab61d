"""The headers of every answer, and static files that may be kept for ever.

No inline script, no inline style, nothing from elsewhere: only the store may be reached besides ourselves,
since browsers put files there by presigned address.
"""

from __future__ import annotations

import hashlib
import logging
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, request

from sintalk.config import Settings

log = logging.getLogger(__name__)

PERMISSIONS = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb")
)
VARY = "Cookie", "Accept-Language", "HX-Request"
#: Under `static/vendor` the version stands in the folder's name.
FOR_EVER = "public, max-age=31536000, immutable"


def init(app: Flask) -> None:
    """Put the headers on every answer, and the content's hash into the address of every static file."""
    settings: Settings = app.config["SETTINGS"]
    usual = {
        "Content-Security-Policy": content_security_policy(origin_of(settings.s3_public_url)),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
    }
    if settings.secure:
        usual["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    @app.after_request
    def protect(response: Response) -> Response:
        own = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - not a dict
        response.headers.extend([each for each in usual.items() if each[0].lower() not in own])
        _set_caching(response)
        return response

    @app.url_defaults
    def version(endpoint: str, values: dict[str, Any]) -> None:
        name = values.get("filename")
        if endpoint == "static" and name and not name.startswith("vendor/"):
            values.setdefault("v", content_hash(Path(app.static_folder or "") / name))


def content_security_policy(store: str) -> str:
    """The policy; `store` is the origin where browsers put and get files, or empty."""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": f"'self' data: {store}",
        "media-src": f"'self' blob: {store}",  # a text read aloud is listened to before it is kept
        "connect-src": f"'self' {store}",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "object-src": "'none'",
    }
    return "; ".join(f"{rule} {sources.strip()}" for rule, sources in rules.items())


def with_pictures(page: str) -> Response:
    """A page that draws messages: their pictures lie wherever the tenant keeps them, so it may load them from any
    https address. Nothing else may come from there, and no address of ours is told (see Referrer-Policy)."""
    answer = make_response(page)
    policy = content_security_policy(origin_of(current_app.config["SETTINGS"].s3_public_url))
    answer.headers["Content-Security-Policy"] = policy.replace("img-src 'self'", "img-src 'self' https:")
    return answer


def origin_of(url: str | None) -> str:
    """`http://127.0.0.1:8333/x` -> `http://127.0.0.1:8333`; empty for none."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


@cache
def _hash(path: Path, stamp: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def content_hash(path: Path) -> str | None:
    """The first letters of the file's hash; None for a file that does not exist."""
    try:
        return _hash(path, path.stat().st_mtime_ns)
    except OSError:
        log.warning("static file %s does not exist", path.name)
        return None


def _set_caching(response: Response) -> None:
    if request.endpoint == "static":
        named_by_content = "v" in request.args or request.path.startswith("/static/vendor/")
        if response.status_code in (200, 206, 304) and named_by_content:
            response.headers["Cache-Control"] = FOR_EVER
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if getattr(g, "actor", None) else "no-cache"
    if request.endpoint == "static":
        return
    if "Vary" in response.headers:
        response.vary.update(VARY)
    else:
        response.headers["Vary"] = ", ".join(VARY)

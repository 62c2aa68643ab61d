"""The few words of htmx that views need. Without htmx, each of them is an ordinary answer."""

from __future__ import annotations

from flask import Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sintalk.web.schemas import PageQuery


def is_fragment() -> bool:
    """Whether htmx asks for a part of a page (Back and Forward ask for a whole one)."""
    asked = request.headers.get("HX-Request") == "true"
    return asked and request.headers.get("HX-History-Restore-Request") != "true"


def go(url: str) -> ResponseReturnValue:
    """Send the browser on to another page, after a form that did its work."""
    if is_fragment():
        return Response(status=204, headers={"HX-Redirect": url})
    return redirect(url, 303)


def page(
    template: str, fragment: str | None = None, *, status: int = 200, **context: object
) -> ResponseReturnValue:
    """The fragment for htmx, the whole page for everybody else."""
    chosen = fragment if fragment and is_fragment() else template
    return render_template(chosen, **context), status


def local(target: str | None, fallback: str) -> str:
    """An address to return to: only a path of our own, never somebody else's site."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return fallback
    return fallback if any(ord(letter) < 0x20 or letter == "\\" for letter in target) else target


def paging(limit: int = 25) -> PageQuery:
    """Which page of a list the address asks for. People edit addresses: nonsense is the first page."""
    offset = request.args.get("offset", default=0, type=int)
    return PageQuery(limit=limit, offset=min(max(offset, 0), 1_000_000_000))

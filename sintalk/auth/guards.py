"""The guard of both doors: nothing is open unless it is marked `@public`.

Under /api/v1 only a key counts, never a cookie, so no other site can make a browser act there. Elsewhere
only a signed-in session counts, and every unsafe request carries a CSRF token (flask-wtf) and must not
come from another site.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError

from sintalk.accounts.models import User
from sintalk.auth import service
from sintalk.errors import DomainError, Forbidden, Unauthorized
from sintalk.extensions import csrf, login_manager
from sintalk.tenancy import Actor
from sintalk.web import API_PREFIX, limits
from sintalk.web.faces import show

View = TypeVar("View", bound=Callable[..., Any])
SAFE = {"GET", "HEAD", "OPTIONS"}
SESSION_KEY = "_token"


class PagesOnly(SecureCookieSessionInterface):
    """Sessions are for pages: under /api/v1 no cookie is read or written."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith(f"{API_PREFIX}/") else super().open_session(app, request)


def public(view: View) -> View:
    """Open to everybody: sign-in, first run, health, the docs."""
    view.public = True  # type: ignore[attr-defined]
    return view


def callback(view: View) -> View:
    """Called by a carrier, which signs what it sends: the view checks the signature itself."""
    view.callback = view.public = True  # type: ignore[attr-defined]
    return view


def admin_only(view: View) -> View:
    """For owners and admins of the tenant, and keys of role admin. Raises 403 for others."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not g.actor.admin:
            raise Forbidden
        return view(*args, **kwargs)

    guarded.admin_only = True  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def platform_only(view: View) -> View:
    """For platform admins, who run the installation. Raises 403 for others."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not g.actor.platform_admin:
            raise Forbidden
        return view(*args, **kwargs)

    guarded.platform_only = guarded.admin_only = True  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def proves_key(view: View) -> View:
    """The view's own statement makes sure that the key stands before it does anything, and then says `proved()`.

    Until it does, the key is only presumed to stand, and no answer leaves without a look at it.
    """
    view.proves_key = True  # type: ignore[attr-defined]
    return view


def proved() -> None:
    """The key of this request stands."""
    g.pop("presumed_key", None)


def init(app: Flask) -> None:
    """Stand at every door."""
    app.session_interface = PagesOnly()
    app.before_request(guard)
    app.after_request(_only_to_who_is_welcome)
    app.register_error_handler(CSRFError, _csrf_failed)
    login_manager.request_loader(_load_person)


def guard() -> ResponseReturnValue | None:
    """Find out who asks, and turn away who may not."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.path.startswith(f"{API_PREFIX}/"):
        _guard_api(view)
        return None
    if view is None or request.endpoint == "static":
        _recognise(None if view else _signed_in_person())
        return None
    return _guard_page(view)


def _guard_api(view: Any) -> None:
    """Who asks comes first, then how often; strangers are counted by their address."""
    if view is None or getattr(view, "public", False):
        limits.spend(f"address:{request.remote_addr}")
        return
    try:
        g.actor = actor = _actor_of_request(presume=hasattr(view, "proves_key"))
    except Unauthorized:
        limits.spend(f"address:{request.remote_addr}")
        raise
    limits.spend(f"{actor.kind}:{actor.id}", actor.requests_per_minute)
    if request.method not in SAFE and not actor.writes:
        raise Forbidden


def _guard_page(view: Any) -> ResponseReturnValue | None:
    if getattr(view, "callback", False):
        return None
    open_to_all = getattr(view, "public", False)
    person = _signed_in_person()
    _recognise(person)
    if person is None and not open_to_all:
        return _to_sign_in()
    if request.method not in SAFE:
        if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise Forbidden(_l("This request came from another site."))
        csrf.protect()
        if person is not None and not open_to_all and not g.actor.writes:
            raise Forbidden
    return None


def _recognise(person: User | None) -> None:
    """Whoever is signed in sees the frame of their pages around whatever comes, also where nothing is."""
    if person is not None:
        g.user, g.actor, g.tenant = person, person.actor(), person.tenant


def _actor_of_request(*, presume: bool) -> Actor:
    authorization = request.authorization
    if authorization is not None and authorization.type == "basic":
        if request.endpoint != "api_auth.create_api_key":
            raise Unauthorized
        user = service.check_password(
            authorization.username or "", authorization.password or "", ip=request.remote_addr or ""
        )
        return user.actor()
    key = request.headers.get("X-API-Key")
    if key is None and authorization is not None and authorization.type == "bearer":
        key = authorization.token
    if not key:
        raise Unauthorized
    if presume:
        g.presumed_key = key
        return service.presume(key)
    return service.authenticate(key)


def _only_to_who_is_welcome(response: Response) -> Response:
    """A refusal too tells something: who has no key any more hears that, and nothing else."""
    key = g.get("presumed_key")
    if key is None or response.status_code >= 500:
        return response
    try:
        service.authenticate(key)
    except Unauthorized as refusal:
        return current_app.make_response(show(refusal))
    return response


def _signed_in_person() -> User | None:
    token = session.get(SESSION_KEY)
    if not token:
        return None
    polling = request.headers.get("HX-Request") == "true" and request.method == "GET"
    return service.person(token, prolong=not polling)


def _load_person(_: Any) -> User | None:
    return getattr(g, "user", None)


def _to_sign_in() -> ResponseReturnValue:
    target = url_for("auth.sign_in", next=request.full_path.rstrip("?") if request.method == "GET" else None)
    if request.headers.get("HX-Request") == "true":
        return Response(status=204, headers={"HX-Redirect": url_for("auth.sign_in")})
    return redirect(target, 303)


def _csrf_failed(error: CSRFError) -> ResponseReturnValue:
    return show(
        DomainError(
            403, "csrf_failed", _l("This page was open for too long. Go back, reload it and try again.")
        )
    )

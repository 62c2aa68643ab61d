"""Errors as they are shown: JSON under /api, a page elsewhere. And a request id on every answer."""

from __future__ import annotations

import logging

import psycopg
from flask import Flask, Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException

from sintalk.db import new_id, session
from sintalk.errors import DomainError

log = logging.getLogger(__name__)

#: What the framework itself refuses: status -> code and sentence.
FRAMEWORK = {
    400: ("malformed_json", _l("The request could not be read.")),
    404: ("not_found", _l("There is nothing here, or it is not yours.")),
    405: ("method_not_allowed", _l("This address does not take that method.")),
    413: ("payload_too_large", _l("The body is larger than allowed.")),
    415: ("unsupported_media_type", _l("Send JSON, with Content-Type: application/json.")),
    429: ("rate_limited", _l("Too many requests. Wait a moment and try again.")),
}
#: What PostgreSQL says where it ends, crashed, or is not ready yet (SQLSTATE class 57), besides lost connections (08).
GOING_OR_COMING = ("57P01", "57P02", "57P03")
#: When to ask again, in seconds: a restart takes about as long.
ASK_AGAIN_S = "5"


def init(app: Flask) -> None:
    """Give every request an id and every error its face."""
    app.before_request(_number_request)
    app.after_request(_name_request)
    app.register_error_handler(DomainError, show)
    app.register_error_handler(HTTPException, _framework_error)
    app.register_error_handler(Exception, _crash)


def show(error: DomainError) -> ResponseReturnValue:
    """The error for whoever asked."""
    if request.path.startswith(("/api/", "/callbacks/")):
        answer = jsonify(error.as_json(request_id()))
    else:
        answer = Response(render_template("errors/error.html", error=error), mimetype="text/html")
    answer.status_code = error.status
    answer.headers.update(error.headers)
    return answer


def request_id() -> str:
    """The id of this request, in its answer and in every line of the log about it."""
    return getattr(g, "request_id", "")


def _number_request() -> None:
    g.request_id = str(new_id())


def _name_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    return response


def _framework_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error.get_response()  # a redirect
    code, sentence = FRAMEWORK.get(
        status, ("internal_error" if status >= 500 else "bad_request", error.description)
    )
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return show(DomainError(status, code, sentence, headers=headers))


def _crash(error: Exception) -> ResponseReturnValue:
    if database_is_away(error):
        return _unavailable(error)
    log.exception("request %s %s %s failed", request_id(), request.method, request.path, exc_info=error)
    session().rollback()
    return show(
        DomainError(500, "internal_error", _l("Something went wrong on our side; nothing was changed."))
    )


def database_is_away(error: Exception) -> bool:
    """Whether this is no fault of ours: the database cannot be reached, or went away meanwhile."""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith("08") or cause.sqlstate in GOING_OR_COMING


def _unavailable(error: Exception) -> ResponseReturnValue:
    """One line in the log: it may be as many requests as come while the database is away."""
    why = str(getattr(error, "orig", error)).strip().partition("\n")[0]
    log.error("request %s %s %s: the database is away: %s", request_id(), request.method, request.path, why)
    session().rollback()
    sentence = _l("The service is not available just now. Try again in a moment.")
    return show(DomainError(503, "unavailable", sentence, headers={"Retry-After": ASK_AGAIN_S}))

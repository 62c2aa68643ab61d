"""Where carriers call back. The address carries a token that nobody can guess; the adapter checks the rest."""

from __future__ import annotations

import logging

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from sintalk.auth.guards import callback
from sintalk.carriers.base import BadPayload, BadSignature, RawRequest, verify_token
from sintalk.carriers.registry import UnknownCarrier
from sintalk.errors import DomainError, Forbidden, NotFound
from sintalk.messages import receipts

log = logging.getLogger(__name__)
bp = Blueprint("callbacks", __name__, url_prefix="/callbacks")


@bp.post("/<carrier>/<token>")
@callback
def receive(carrier: str, token: str) -> ResponseReturnValue:
    """Keep what a carrier calls back with, then answer; it is applied in the background."""
    if not verify_token(current_app.config["SECRET_KEY"], carrier, token):
        raise NotFound
    raw = RawRequest(headers=dict(request.headers), body=request.get_data(), token=token)
    try:
        fresh = receipts.keep(carrier, raw)
    except UnknownCarrier:
        raise NotFound from None
    except BadSignature as error:
        log.warning("callback of %s refused: %s", carrier, error)
        raise Forbidden from None
    except BadPayload as error:
        raise DomainError(400, "malformed_callback", _l("This callback cannot be read.")) from error
    return jsonify(kept=fresh)

"""Pages of lists and the people in them."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("contacts", __name__)

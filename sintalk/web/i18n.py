"""Whose words, whose clock: the language of the person, the time zone of the tenant.

Language: the person's own, else the cookie `language`, else the browser's, else the tenant's. The catalogues
are kept as `.po`; the compiled ones are made when the application starts.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, g, has_request_context, request
from flask_babel import Babel

log = logging.getLogger(__name__)
babel = Babel()

#: Locale -> how the language calls itself.
LANGUAGES = {"pt_BR": "Português", "es": "Español", "en": "English"}
DEFAULT = "pt_BR"
DEFAULT_TIMEZONE = "America/Sao_Paulo"
SOURCES = Path(__file__).parent.parent / "translations"


def init(app: Flask) -> None:
    """Bind Flask-Babel, with catalogues that are fresh."""
    folder = ensure_catalogues(SOURCES)
    babel.init_app(
        app,
        default_locale=DEFAULT,
        default_timezone=DEFAULT_TIMEZONE,
        default_translation_directories=str(folder),
        locale_selector=locale,
        timezone_selector=timezone,
    )
    app.jinja_env.globals.update(languages=LANGUAGES, current_language=locale, html_language=html_language)
    from sintalk.web import filters

    filters.init(app)


def locale() -> str:
    """The locale to answer in, one of `LANGUAGES`."""
    if not has_request_context():
        return DEFAULT
    user, tenant = getattr(g, "user", None), getattr(g, "tenant", None)
    wishes = (
        getattr(user, "locale", None),
        request.cookies.get("language"),
        _of_browser(),
        getattr(tenant, "locale", None),
    )
    return next((wish for wish in wishes if wish in LANGUAGES), DEFAULT)


def timezone() -> str:
    """The tenant's time zone."""
    tenant = getattr(g, "tenant", None) if has_request_context() else None
    return getattr(tenant, "timezone", None) or DEFAULT_TIMEZONE


def html_language() -> str:
    """The locale as HTML writes it: `pt-BR`."""
    return locale().replace("_", "-")


def ensure_catalogues(sources: Path) -> Path:
    """Compile what is missing or older than its `.po`; answers with the folder to read from.

    Where the tree cannot be written, the compiled catalogues go to a temporary folder.
    """
    stale = [po for po in sources.glob("*/LC_MESSAGES/*.po") if _stale(po)]
    try:
        for po in stale:
            compile_catalogue(po, po.with_suffix(".mo"))
    except OSError:
        log.info("the translations cannot be compiled in place, using a temporary folder")
        folder = Path(tempfile.mkdtemp(prefix="sintalk-translations-"))
        for po in sources.glob("*/LC_MESSAGES/*.po"):
            compile_catalogue(po, folder / po.relative_to(sources).with_suffix(".mo"))
        return folder
    return sources


def compile_catalogue(po: Path, mo: Path) -> None:
    """Write `mo` from `po`, whole or not at all: several processes start at the same time."""
    mo.parent.mkdir(parents=True, exist_ok=True)
    with po.open("rb") as source:
        catalogue = read_po(source, locale=Locale.parse(po.parent.parent.name))
    with tempfile.NamedTemporaryFile(dir=mo.parent, delete=False) as target:
        write_mo(target, catalogue)
    Path(target.name).replace(mo)


def _stale(po: Path) -> bool:
    mo = po.with_suffix(".mo")
    return not mo.exists() or mo.stat().st_mtime < po.stat().st_mtime


def _of_browser() -> str | None:
    wanted = request.accept_languages.best_match(["pt-BR", "pt", "es", "en"])
    return {"pt-BR": "pt_BR", "pt": "pt_BR", "es": "es", "en": "en"}.get(wanted or "")

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, g
from flask_babel import gettext as _

from sintalk.web import i18n

PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Home"\nmsgstr "{}"\n'


@pytest.mark.parametrize(
    ("wishes", "browser", "spoken"),
    [
        (("en", "pt_BR", "pt_BR"), "pt-BR", "en"),
        ((None, "en", "pt_BR"), "pt-BR", "en"),
        ((None, None, "en"), "pt-BR", "pt_BR"),
        ((None, None, "en"), "ja", "en"),
        ((None, None, "en"), "", "en"),
        ((None, None, None), "en-GB,en;q=0.9,pt;q=0.1", "en"),
        ((None, None, None), "pt-PT", "pt_BR"),
        ((None, None, None), "es-AR,es;q=0.9", "es"),
        ((None, None, None), "ja", "pt_BR"),
        ((None, None, None), "", "pt_BR"),
        (("xx", "../../etc", "yy"), "en", "en"),
    ],
)
def test_the_person_decides_then_the_cookie_then_the_browser_then_the_company(
    languages: Flask, wishes: tuple[str | None, ...], browser: str, spoken: str
) -> None:
    person, cookie, tenant = wishes
    headers = {"Accept-Language": browser, "Cookie": f"language={cookie}" if cookie else ""}
    with languages.test_request_context("/", headers=headers):
        g.user, g.tenant = SimpleNamespace(locale=person), SimpleNamespace(locale=tenant, timezone=None)
        assert i18n.locale() == spoken


def test_portuguese_is_compiled_at_the_start(languages: Flask) -> None:
    with languages.test_request_context("/", headers={"Cookie": "language=pt_BR"}):
        assert _("Home") == "Início"
        assert i18n.html_language() == "pt-BR"


def catalogue(folder: Path, word: str) -> Path:
    po = folder / "pt_BR" / "LC_MESSAGES" / "messages.po"
    po.parent.mkdir(parents=True, exist_ok=True)
    po.write_text(PO.format(word), encoding="utf-8")
    return po


def test_a_stale_catalogue_is_compiled_again(tmp_path: Path) -> None:
    po = catalogue(tmp_path, "Casa")
    assert i18n.ensure_catalogues(tmp_path) == tmp_path
    mo = po.with_suffix(".mo")
    before = mo.read_bytes()
    po.write_text(PO.format("Lar"), encoding="utf-8")
    os.utime(mo, (1, 1))
    i18n.ensure_catalogues(tmp_path)
    assert mo.read_bytes() != before
    assert b"Lar" in mo.read_bytes()


def test_a_fresh_catalogue_is_left_alone(tmp_path: Path) -> None:
    po = catalogue(tmp_path, "Casa")
    i18n.ensure_catalogues(tmp_path)
    before = po.with_suffix(".mo").stat().st_mtime_ns
    i18n.ensure_catalogues(tmp_path)
    assert po.with_suffix(".mo").stat().st_mtime_ns == before


def test_a_tree_that_cannot_be_written_gets_its_catalogues_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    po = catalogue(tmp_path, "Casa")

    def refuse(source: Path, target: Path, write=i18n.compile_catalogue) -> None:  # type: ignore[no-untyped-def]
        if target.is_relative_to(tmp_path):  # tests may run as root, whom no mode of a folder stops
            raise PermissionError(target)
        write(source, target)

    monkeypatch.setattr(i18n, "compile_catalogue", refuse)
    folder = i18n.ensure_catalogues(tmp_path)
    assert folder != tmp_path
    assert (folder / po.relative_to(tmp_path)).with_suffix(".mo").exists()

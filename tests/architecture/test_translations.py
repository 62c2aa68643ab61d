"""Every sentence for people exists in every language, and no translation is left over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polib
import pytest
from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).parent.parent.parent
CATALOGUES = sorted((ROOT / "sintalk" / "translations").glob("*/LC_MESSAGES/messages.po"))
KEYWORDS: dict[str, Any] = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "_n": (1, 2),
    "lazy_ngettext": (1, 2),
}
HOLE = re.compile(r"%\((\w+)\)[sd]")


def sentences() -> dict[str, str]:
    """Every sentence of code and templates, with the first place where it stands."""
    found: dict[str, str] = {}
    for folder, method in (("sintalk", "python"), ("templates", "jinja2.ext:babel_extract")):
        rows = extract_from_dir(ROOT / folder, [("**.py", method), ("**.html", method)], keywords=KEYWORDS)
        for name, line, message, _comments, _context in rows:
            for msgid in message if isinstance(message, tuple) else (message,):
                if msgid:
                    found.setdefault(msgid, f"{folder}/{name}:{line}")
    return found


def known(catalogue: Path) -> dict[str, list[str]]:
    """The sentences of a catalogue, singular and plural, with their translations."""
    words: dict[str, list[str]] = {}
    for entry in polib.pofile(str(catalogue)):
        translations = list(entry.msgstr_plural.values()) or [entry.msgstr]
        if entry.obsolete or "fuzzy" in entry.flags or not all(translations):
            continue
        words[entry.msgid] = translations
        if entry.msgid_plural:
            words[entry.msgid_plural] = translations
    return words


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_every_sentence_is_translated(catalogue: Path) -> None:
    words = known(catalogue)
    missing = [f"{place}: {msgid}" for msgid, place in sentences().items() if msgid not in words]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_no_translation_is_left_over(catalogue: Path) -> None:
    assert not known(catalogue).keys() - sentences().keys()


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_translations_fill_the_same_holes(catalogue: Path) -> None:
    """A hole with another name is an error page in that language only."""
    for entry in polib.pofile(str(catalogue)):
        holes = set(HOLE.findall(entry.msgid)) | set(HOLE.findall(entry.msgid_plural or ""))
        for text in list(entry.msgstr_plural.values()) or [entry.msgstr]:
            assert set(HOLE.findall(text)) <= holes, entry.msgid
            assert entry.msgid_plural or set(HOLE.findall(text)) == holes, entry.msgid


def test_there_is_a_catalogue() -> None:
    assert [path.parent.parent.name for path in CATALOGUES] == ["es", "pt_BR"]

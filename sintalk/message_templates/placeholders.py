"""Placeholders in a tenant's text: `{{nome}}`, `{{Cidade}}`, `{{nome|cliente}}`. Pure: no database, no Flask.

The grammar is ours and evaluates nothing (a tenant's text never reaches Jinja):

- `{{name}}` takes the recipient's value of that name, found without regard to case, accents, spaces and
  the signs `- _ .`; `{{name|default}}` takes the default where there is no value (it may be empty).
- Within a link, behind its host, values are percent-encoded (see `links`).
- A backslash escapes: `\\{{` is a plain `{{`; within a default `\\}`, `\\{`, `\\|`, `\\\\` are the signs.
- A pair of braces that holds no name, such as `{{7*7}}` or `{{ }`, is plain text. What looks like a
  placeholder but is not closed or has no name is a fault: "Olá {{nome}" sent to thousands is worse.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sintalk.message_templates import links

NAME_LIMIT = 100

#: A contact's own fields have two names each; the first is the key in the values.
ALIASES = {"name": "nome", "phone": "telefone", "mail": "email"}

_HOLE = re.compile(r"\{\{([^{}|\\\n\r]*)(?:\|((?:\\[{}|\\]|[^{}\\\n\r])*))?\}\}")
_UNESCAPE = re.compile(r"\\([{}|\\])")
_LOOKS_MEANT = re.compile(r"\{\{\s*\w")
_INSIGNIFICANT = re.compile(r"[\s\-_.]+")


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """The key under which a value is found: `E-mail` and `email`, `Município ` and `MUNICIPIO` are one.

    `name` and `phone` fold to `nome` and `telefone`, the contact's own fields.
    """
    letters = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    key = _INSIGNIFICANT.sub("", bare).casefold()
    return ALIASES.get(key, key)


def contact_values(
    *, name: str | None, phone: str | None, email: str | None, attributes: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A recipient's values by folded name, as `Compiled.render` wants them; the contact's own fields win."""
    values = {fold(key): value for key, value in attributes.items()} if attributes else {}
    if name:
        values["nome"] = name
    if phone:
        values["telefone"] = phone
    if email:
        values["email"] = email
    return values


@dataclass(frozen=True)
class Fault:
    """Something in a text that looks like a placeholder and is none: `code` and where it begins."""

    code: str
    offset: int
    excerpt: str


@dataclass(frozen=True)
class Hole:
    """One placeholder: its name as written, its key, its default (None: there is none), and whether it continues
    a link, where what is put in is percent-encoded."""

    name: str
    key: str
    default: str | None
    in_link: bool = False

    def filled(self, value: str | None) -> str | None:
        """What stands in its place for this value; None where there is none and no default."""
        if value and not value.isspace():
            value = value.strip()
            return links.value(value) if self.in_link else value
        return links.default(self.default) if self.in_link and self.default else self.default


@dataclass(frozen=True)
class Compiled:
    """A text read once, to be rendered millions of times."""

    holes: tuple[Hole, ...]
    faults: tuple[Fault, ...]
    _format: str = field(repr=False)

    @property
    def variables(self) -> list[str]:
        """The names in use, as first written, each once, in order."""
        first: dict[str, str] = {}
        for hole in self.holes:
            first.setdefault(hole.key, hole.name)
        return list(first.values())

    @property
    def required(self) -> list[str]:
        """The names that some placeholder uses without a default."""
        first: dict[str, str] = {}
        for hole in self.holes:
            if hole.default is None:
                first.setdefault(hole.key, hole.name)
        return list(first.values())

    @property
    def fixed(self) -> str:
        """What stands in every rendering: the text without its placeholders."""
        return self.filled_with("")

    def filled_with(self, filler: str) -> str:
        """The text with the same words in every placeholder."""
        return self._format % ((filler,) * len(self.holes)) if self.holes else self._format

    def render(self, values: Mapping[str, str]) -> tuple[str, list[str]]:
        """The text with these values (keyed by folded name), and the names without value and default.

        A blank value counts as none. Braces within a value mean nothing.
        """
        if not self.holes:
            return self._format, []
        filled: list[str] = []
        missing: dict[str, str] = {}
        for hole in self.holes:
            value = hole.filled(values.get(hole.key))
            if value is None:
                missing.setdefault(hole.key, hole.name)
            filled.append(value or "")
        return self._format % tuple(filled), list(missing.values())


def compile(text: str) -> Compiled:
    """Read a text once. Never raises: what is wrong with it stands in `.faults`."""
    holes: list[Hole] = []
    faults: list[Fault] = []
    literal: list[str] = []
    before = ""
    for piece in _pieces(text):
        match piece:
            case str():
                literal.append(piece.replace("%", "%%"))
                before += piece
            case Hole():
                holes.append(replace(piece, in_link=links.goes_on(before)))
                literal.append("%s")
                before += "x"  # whatever is put in: a word goes on through it
            case Fault():
                faults.append(piece)
    form = "".join(literal)
    return Compiled(tuple(holes), tuple(faults), form if holes else form.replace("%%", "%"))


def _pieces(text: str) -> Iterator[str | Hole | Fault]:
    start = 0
    while (at := text.find("{{", start)) >= 0:
        before, escaped = _before(text[start:at])
        if escaped:
            yield before + "{{"
            start = at + 2
            continue
        yield before
        found = _HOLE.match(text, at)
        if found and (piece := _read(found)) is not None:
            yield piece
            if isinstance(piece, Fault):
                yield found[0]
            start = found.end()
            continue
        if found is None and _LOOKS_MEANT.match(text, at):
            yield Fault("unclosed_placeholder", at, text[at : at + 30])
        yield "{"
        start = at + 1
    yield text[start:]


def _before(text: str) -> tuple[str, bool]:
    """Text in front of `{{` without its escapes, and whether the braces are escaped (odd run of `\\`)."""
    bare = text.rstrip("\\")
    count = len(text) - len(bare)
    return bare + "\\" * (count // 2), count % 2 == 1


def _read(found: re.Match[str]) -> Hole | Fault | None:
    """What stands between the braces; None where it is no name at all and so plain text."""
    name, default = found[1].strip(), found[2]
    if not name:
        return Fault("empty_placeholder", found.start(), found[0][:30])
    if not name.isdigit() and not any(letter.isalpha() for letter in name):
        return None
    if len(name) > NAME_LIMIT:
        return Fault("placeholder_too_long", found.start(), found[0][:30])
    if default is not None:
        default = _UNESCAPE.sub(r"\1", default.strip())
    return Hole(name, fold(name), default)

"""A template's content, from its JSON to what one person gets. Pure: no database, no Flask.

`prepare(channel, content)` reads a content once; `.render(values)` then makes each recipient's message.
Content is what stands in `templates.content`: the object of the channel, for SMS `{"text", "encoding"}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from sintalk.message_templates import links, placeholders, rcs, sms, voice
from sintalk.message_templates.placeholders import contact_values, fold

__all__ = [
    "Prepared",
    "Rendered",
    "contact_values",
    "fold",
    "prepare",
    "required",
    "texts",
    "variables",
    "words",
]

CHANNELS = ("sms", "rcs", "voice")


class Rendered(NamedTuple):
    """One recipient's message.

    `encoding` is `gsm7` or `ucs2` for SMS, the billing class (`basic`, `single`) for RCS, `speech` or `audio`
    for voice. `segments` are SMS parts, 1 on the other channels. `missing` are the names without a value and
    a default. `fault` says why it may not be sent: `missing_variable`, `empty_message`, `too_long`, `invalid_link`,
    or None.
    `content` is the whole content with its values (RCS, voice); None for SMS: there the text is all.
    `billed_seconds` are those of the longest call that a voice content allows, 0 on the other channels.
    """

    text: str
    encoding: str
    segments: int
    missing: list[str]
    fault: str | None = None
    content: Any = None
    billed_seconds: int = 0


class Prepared(Protocol):
    """A content read once, to be rendered for each recipient."""

    @property
    def variables(self) -> list[str]: ...

    def render(self, values: Mapping[str, str]) -> Rendered:
        """The message for these values, keyed by folded name (see `contact_values`)."""
        ...


def prepare(channel: str, content: Mapping[str, Any]) -> Prepared:
    """Read a content that the schemas have accepted."""
    return SmsPrepared(content) if channel == "sms" else TreePrepared(channel, content)


def variables(content: Mapping[str, Any]) -> list[str]:
    """All placeholders of a content, each once, as first written."""
    return _names(compiled.variables for compiled in _compiled(content))


def required(content: Mapping[str, Any]) -> list[str]:
    """The placeholders that stand somewhere without a default."""
    return _names(compiled.required for compiled in _compiled(content))


def _compiled(content: Mapping[str, Any]) -> list[placeholders.Compiled]:
    return [placeholders.compile(text) for _, text in texts(content)]


def _names(lists: Iterable[list[str]]) -> list[str]:
    first: dict[str, str] = {}
    for names in lists:
        for name in names:
            first.setdefault(fold(name), name)
    return list(first.values())


def texts(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a content with its path, `carousel.cards[2].title`."""
    if isinstance(content, str):
        yield path, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from texts(value, f"{path}.{key}" if path else str(key))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from texts(value, f"{path}[{index}]")


def words(channel: str, content: Mapping[str, Any]) -> str:
    """What a content says, in plain words, its placeholders as they are written."""
    if channel == "sms":
        return str(content["text"])
    if channel == "rcs":
        return rcs.plain_text(content)
    return str((content.get("tts") or {}).get("text", ""))


class SmsPrepared:
    """An SMS, made quick: a campaign renders it once a recipient."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        text = content["text"]
        self.encoding: sms.Encoding = content.get("encoding") or "auto"
        self.variables = placeholders.compile(text).variables
        if self.encoding == "gsm7":
            text = sms.transliterate(sms.line_feeds(text))
        self._render = placeholders.compile(text).render

    def render(self, values: Mapping[str, str]) -> Rendered:
        text, missing = self._render(values)
        measured = sms.measure(text, self.encoding)
        fault = None
        if missing:
            fault = "missing_variable"
        elif not measured.text or measured.text.isspace():
            fault = "empty_message"
        elif measured.segments > sms.MAX_PARTS:
            fault = "too_long"
        return Rendered(measured.text, measured.encoding, measured.segments, missing, fault)


class TreePrepared:
    """RCS and voice: every string of the content may hold placeholders."""

    def __init__(self, channel: str, content: Mapping[str, Any]) -> None:
        self.channel = channel
        self.variables = variables(content)
        self._tree = _compile_tree(content)
        self._has_links = channel == "rcs" and any(
            _is_link(path) and "{{" in text for path, text in texts(content)
        )

    def render(self, values: Mapping[str, str]) -> Rendered:
        missing: dict[str, str] = {}
        filled = _fill_tree(self._tree, values, missing)
        fault = "missing_variable" if missing else self.fault_of(filled)
        if not fault and self._has_links and not _links_hold(self._tree, filled):
            fault = "invalid_link"
        billed = voice.length(filled).most_billed if self.channel == "voice" else 0
        return Rendered(
            words(self.channel, filled),
            self.billed_as(filled),
            1,
            list(missing.values()),
            fault,
            filled,
            billed,
        )

    def fault_of(self, content: Any) -> str | None:
        """Why the content with its values may not be sent, or None."""
        return voice.fault_of(content) if self.channel == "voice" else rcs.fault_of(content)

    def billed_as(self, content: Any) -> str:
        """What the message costs as: RCS's billing class, or the kind of a call."""
        if self.channel == "rcs":
            return rcs.billing_class(content)
        return "speech" if content.get("tts") else "audio"


def _is_link(path: str) -> bool:
    return path.rpartition(".")[2] in rcs.LINKS


def _links_hold(tree: Any, filled: Any, name: str = "") -> bool:
    """Whether every address that holds placeholders is one with its values; the others were looked at when saved."""
    if isinstance(tree, dict):
        return all(_links_hold(part, filled[key], key) for key, part in tree.items())
    if isinstance(tree, list):
        return all(_links_hold(part, filled[at]) for at, part in enumerate(tree))
    return name not in rcs.LINKS or not isinstance(tree, placeholders.Compiled) or links.is_https(filled)


def _compile_tree(node: Any) -> Any:
    if isinstance(node, str):
        compiled = placeholders.compile(node)
        return compiled if compiled.holes or "{{" in node else node
    if isinstance(node, Mapping):
        return {key: _compile_tree(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_compile_tree(value) for value in node]
    return node


def _fill_tree(node: Any, values: Mapping[str, str], missing: dict[str, str]) -> Any:
    if isinstance(node, placeholders.Compiled):
        text, names = node.render(values)
        missing.update((fold(name), name) for name in names)
        return text
    if isinstance(node, dict):
        return {key: _fill_tree(value, values, missing) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill_tree(value, values, missing) for value in node]
    return node

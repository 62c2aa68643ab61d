"""An RCS content as it stands in the editor's form: every control is named by its path in the contract,
`rcs.carousel.cards[2].suggestions[0].text`. Pure: no database, no Flask.

What is typed is a tree of strings that keeps everything, also what belongs to a kind that is not chosen, so
that nothing is lost by trying another one. `content()` is what the contract gets of it; faults come back at
paths that are the names of the controls.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

Typed = dict[str, Any]

#: The fields of each chip beside its words and what comes back.
CHIP_FIELDS: dict[str, tuple[str, ...]] = {
    "reply": (),
    "open_url": ("url",),
    "dial": ("phone",),
    "view_location": ("latitude", "longitude", "label"),
    "share_location": (),
    "create_calendar_event": ("title", "start_time", "end_time", "description"),
}
#: Seconds, by the unit in which people say how long.
UNITS = {"minutes": 60, "hours": 3600, "days": 86_400}

_CHIP = (
    r"suggestions\[\d{1,2}\]\.(type|text|postback_data|url|phone|latitude|longitude|label|title|description"
    r"|start_time|end_time)"
)
_CARD = rf"(title|description|media\.(file_url|thumbnail_url|height)|{_CHIP})"
#: The names of all controls: whatever a browser sends, the tree has the shape that is expected of it.
_CONTROL = re.compile(
    rf"rcs\.(type|traffic_type|ttl_seconds|ttl_unit|text\.body|file\.(file_url|thumbnail_url)|{_CHIP}"
    rf"|card\.(orientation|thumbnail_alignment|{_CARD})|carousel\.(card_width|cards\[\d{{1,2}}\]\.{_CARD})"
    r"|fallback\.(sms\.(text|encoding)|after_seconds|after_unit))"
)
_PATH = re.compile(r"rcs(\.[a-z_]+|\[\d{1,2}\])*")
_STEP = re.compile(r"[a-z_]+|\d+")
_TIMES = ("start_time", "end_time")
_NUMBERS = ("latitude", "longitude")
_NEW_CARD: Typed = {"media": {"height": "medium"}}
_NEW_CHIP: Typed = {"type": "reply"}
EMPTY: Typed = {
    "type": "card",
    "card": {"orientation": "vertical", "media": {"height": "medium"}},
    "carousel": {"card_width": "medium", "cards": [_NEW_CARD, _NEW_CARD]},
    "ttl_seconds": "1",
    "ttl_unit": "days",
}


def is_medium(path: str) -> bool:
    """Whether this is the control of a medium's address."""
    return _CONTROL.fullmatch(path) is not None and path.endswith(".file_url")


def read(pairs: Iterable[tuple[str, str]]) -> Typed:
    """What a form sent, as a tree. Names that are no paths are passed over; U+0000, which no database holds,
    and the CRLF of browsers go out."""
    tree: dict[Any, Any] = {}
    for name, value in pairs:
        if not _CONTROL.fullmatch(name):
            continue
        *way, last = [int(step) if step.isdigit() else step for step in _STEP.findall(name)[1:]]
        place = tree
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value.replace("\x00", "").replace("\r\n", "\n")
    return _listed(tree) if tree else {}


def _listed(tree: dict[Any, Any]) -> Any:
    """Numbered entries as lists, in the order of their numbers, whatever gaps they have."""
    inner = {key: _listed(value) if isinstance(value, dict) else value for key, value in tree.items()}
    if inner and all(isinstance(key, int) for key in inner):
        return [inner[key] for key in sorted(inner)]
    return inner


def of_content(content: Mapping[str, Any], zone: tzinfo) -> Typed:
    """The form of a content that the contract has taken; times as the clock of `zone` shows them."""
    typed: Typed = _as_text(content, zone)
    typed["ttl_seconds"], typed["ttl_unit"] = _in_units(content.get("ttl_seconds", 86_400))
    fallback = typed.get("fallback")
    if isinstance(fallback, dict) and "after_seconds" in fallback:
        after = content["fallback"]["after_seconds"]
        fallback["after_seconds"], fallback["after_unit"] = _in_units(after)
    for kind in ("card", "carousel"):
        typed.setdefault(kind, copy.deepcopy(EMPTY[kind]))
    return typed


def _as_text(node: Any, zone: tzinfo, key: str = "") -> Any:
    if isinstance(node, Mapping):
        return {name: _as_text(value, zone, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_as_text(value, zone) for value in node]
    if key in _TIMES:
        return datetime.fromisoformat(node).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    return str(node)


def _in_units(seconds: int) -> tuple[str, str]:
    """86400 -> ("1", "days"); what fits no unit is told in minutes, with a fraction."""
    for unit in ("days", "hours", "minutes"):
        if seconds % UNITS[unit] == 0:
            return str(seconds // UNITS[unit]), unit
    return f"{seconds / 60:g}", "minutes"


def content(typed: Typed, zone: tzinfo) -> dict[str, Any]:
    """The content for the contract: the chosen kind only, blank optional fields left out."""
    kind = typed.get("type") or "text"
    made: dict[str, Any] = {"type": kind}
    if kind == "text":
        made["text"] = {"body": _at(typed, "text").get("body", "")}
    elif kind == "file":
        made["file"] = {"file_url": "", **_filled(_at(typed, "file"))}
    elif kind == "card":
        made["card"] = _card(_at(typed, "card"), zone, alone=True)
    elif kind == "carousel":
        carousel = _at(typed, "carousel")
        cards = [_card(card, zone) for card in carousel.get("cards", [])]
        made["carousel"] = {"card_width": carousel.get("card_width", ""), "cards": cards}
    if chips := _chips(typed, zone):
        made["suggestions"] = chips
    if typed.get("traffic_type"):
        made["traffic_type"] = typed["traffic_type"]
    if typed.get("ttl_seconds"):
        made["ttl_seconds"] = _seconds(typed["ttl_seconds"], typed.get("ttl_unit"))
    if fallback := _fallback(_at(typed, "fallback")):
        made["fallback"] = fallback
    return made


def _at(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = tree.get(name) or {}
    return found


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", None)}


def _card(typed: Typed, zone: tzinfo, *, alone: bool = False) -> dict[str, Any]:
    made = _filled({name: typed.get(name) for name in ("title", "description")})
    horizontal = alone and typed.get("orientation") == "horizontal"
    media = _filled(_at(typed, "media"))
    if horizontal:
        media.pop("height", None)
    if set(media) - {"height"}:
        made["media"] = {"file_url": "", **media}
    if alone:
        made["orientation"] = typed.get("orientation", "vertical")
        if horizontal:
            made["thumbnail_alignment"] = typed.get("thumbnail_alignment") or "left"
    if chips := _chips(typed, zone):
        made["suggestions"] = chips
    return made


def _chips(typed: Typed, zone: tzinfo) -> list[dict[str, Any]]:
    return [_chip(chip, zone) for chip in typed.get("suggestions", [])]


def _chip(typed: Typed, zone: tzinfo) -> dict[str, Any]:
    """A chip with the fields of its kind. What comes back is its words, where nothing else is written."""
    kind, words = typed.get("type", "reply"), typed.get("text", "")
    made: dict[str, Any] = {"type": kind, "text": words, "postback_data": typed.get("postback_data") or words}
    for name in CHIP_FIELDS.get(kind, ()):
        value = typed.get(name, "")
        if value:
            made[name] = (
                _time(value, zone) if name in _TIMES else _number(value) if name in _NUMBERS else value
            )
    return made


def _fallback(typed: Typed) -> dict[str, Any] | None:
    sms = _at(typed, "sms")
    if not sms.get("text"):
        return None
    made: dict[str, Any] = {"sms": {"text": sms["text"], "encoding": sms.get("encoding") or "auto"}}
    if typed.get("after_seconds"):
        made["after_seconds"] = _seconds(typed["after_seconds"], typed.get("after_unit"))
    return made


def _number(value: str) -> float | str:
    """`-23,55` as people write it; what is no number stays as it is, for the contract to refuse."""
    try:
        return float(value.strip().replace(",", ".").replace("\u2212", "-"))
    except ValueError:
        return value


def _seconds(value: str, unit: Any) -> int | str:
    number = _number(value)
    if isinstance(number, str) or not math.isfinite(number) or abs(number) > 1e9:
        return value
    return round(number * UNITS.get(unit, 60))


def _time(value: str, zone: tzinfo) -> str:
    """A local day and time, without seconds, as an instant."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=zone).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return value


# --- what the buttons of the form do, where no script does it ---------------------------------------------


def act(typed: Typed, deed: str) -> Typed:
    """The tree after a button: `add:rcs.suggestions`, `remove:`, `copy:`, `back:` or `forth:` and a path with
    a number at its end, `rcs.carousel.cards[2]`. What names nothing changes nothing."""
    verb, _, path = deed.partition(":")
    if not _PATH.fullmatch(path):
        return typed
    result, steps = copy.deepcopy(typed), _steps(path)
    if verb == "add" and steps:
        _add(result, steps)
    elif steps and isinstance(steps[-1], int):
        _change(_reach(result, steps[:-1]), verb, steps[-1])
    return result


def changed(typed: Typed, deed: str) -> str:
    """The path of what a button has changed, in the tree after it: the new item, the moved one at its new place,
    the list that an item was taken from. Empty where nothing has."""
    verb, _, path = deed.partition(":")
    if not _PATH.fullmatch(path):
        return ""
    items, _bracket, at = path.removesuffix("]").rpartition("[")
    found = _reach(typed, _steps(path if verb == "add" else items))
    last = len(found) - 1 if isinstance(found, list) else 0
    if verb == "add":
        return f"{path}[{last}]"
    if verb in ("back", "forth", "copy") and at.isdigit():
        return f"{items}[{max(0, min(int(at) + (-1 if verb == 'back' else 1), last))}]"
    return items if verb == "remove" else path if verb == "upload" else ""


def _steps(path: str) -> list[Any]:
    """`rcs.carousel.cards[2]` -> ["carousel", "cards", 2]."""
    return [int(step) if step.isdigit() else step for step in _STEP.findall(path)[1:]]


def _reach(tree: Any, steps: list[Any]) -> Any:
    for step in steps:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def _add(tree: Typed, steps: list[Any]) -> None:
    place, name = _reach(tree, steps[:-1]), steps[-1]
    if isinstance(place, dict) and name in ("cards", "suggestions"):
        items = place.setdefault(name, [])
        if isinstance(items, list):
            items.append(copy.deepcopy(_NEW_CARD if name == "cards" else _NEW_CHIP))


def _change(items: Any, verb: str, at: int) -> None:
    if not isinstance(items, list) or not 0 <= at < len(items):
        return
    other = {"back": at - 1, "forth": at + 1}.get(verb, -1)
    if verb == "remove":
        del items[at]
    elif verb == "copy":
        items.insert(at + 1, copy.deepcopy(items[at]))
    elif 0 <= other < len(items):
        items[at], items[other] = items[other], items[at]

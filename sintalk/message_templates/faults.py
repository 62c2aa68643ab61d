"""Faults of a body as a form shows them: each at its control, whose name is the path in the contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from sintalk.errors import Invalid
from sintalk.web.forms import SENTENCES


class Faults:
    """Sentences by path. A path may have none of its own and yet hold some further in."""

    def __init__(self, error: Invalid | None = None, where: Callable[[str], Any] = str) -> None:
        self._found: dict[str, list[Any]] = defaultdict(list)
        self.where = where
        for fault in error.details if error else ():
            sentence = fault.message if str(fault.message) else SENTENCES.get(fault.code, "")
            if fault.code in ("required", "too_short", "wrong_type", "out_of_range", "invalid_timestamp"):
                sentence = SENTENCES[fault.code]
            if sentence not in self._found[fault.field]:
                self._found[fault.field].append(sentence)

    @property
    def count(self) -> int:
        return sum(map(len, self._found.values()))

    def at(self, path: str) -> list[Any]:
        """What is wrong with this very field."""
        return self._found.get(path, [])

    def under(self, path: str) -> bool:
        """Whether something at this path, or within, is wrong."""
        return any(found == path or found.startswith((path + ".", path + "[")) for found in self._found)

    def listed(self) -> Iterator[tuple[str, Any]]:
        """Every fault with its path, as they were told."""
        for path, sentences in self._found.items():
            for sentence in sentences:
                yield path, sentence

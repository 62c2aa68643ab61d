"""Lists of ids, words and times on their way to PostgreSQL, in one go.

psycopg writes a list value by value, each through a dumper of its own: for the sets of hundreds that the
pipeline hands over, that cost more than the statements themselves.
"""

from __future__ import annotations

from datetime import datetime
from types import NoneType
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.array import ListDumper

_WORDS = ({str}, {str, NoneType})


class QuickListDumper(ListDumper):
    """The text form of an array (PostgreSQL, 8.15.6), for the kinds of list that are long here."""

    def dump(self, obj: list[Any]) -> Any:
        kinds = set(map(type, obj))
        if kinds == {UUID}:
            return ("{" + ",".join([value.hex for value in obj]) + "}").encode()
        if kinds in _WORDS:
            text = "{" + ",".join([_quoted(value) for value in obj]) + "}"
            if "\0" not in text:  # psycopg knows what to say about those
                return text.encode()
        if kinds == {bool}:
            return ("{" + ",".join(["t" if value else "f" for value in obj]) + "}").encode()
        if kinds == {datetime}:
            return ("{" + ",".join([f'"{value}"' for value in obj]) + "}").encode()
        return super().dump(obj)


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def register() -> None:
    """For every connection made from now on."""
    psycopg.adapters.register_dumper(list, QuickListDumper)

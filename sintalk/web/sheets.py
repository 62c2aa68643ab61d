"""Rows as a file that a spreadsheet opens with the right letters, and without running anything in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
_PLAIN_PHONE = re.compile(r"\+?[0-9][0-9 ().\-]*")
_BUFFER = 64 * 1024


def inert(cell: str) -> str:
    """The cell as text: what a spreadsheet would take for a formula gets an apostrophe. Phones stay."""
    if cell.lstrip().startswith(_DANGEROUS) or cell.startswith(_DANGEROUS):
        return cell if _PLAIN_PHONE.fullmatch(cell) else f"'{cell}"
    return cell


def written(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Semicolons, UTF-8 with a byte order mark, CRLF: what Excel in Brazil expects. In portions."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    out.write("\ufeff")
    writer.writerow(map(inert, header))
    for row in rows:
        writer.writerow(map(inert, row))
        if out.tell() > _BUFFER:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()

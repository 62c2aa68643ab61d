"""Rows as a file that a spreadsheet opens with the right letters, and without running anything in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from flask_babel import gettext as _

from sintalk.imports import reasons

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
_PLAIN_PHONE = re.compile(r"\+?[0-9][0-9 ().\-]*")
_BUFFER = 64 * 1024


def inert(cell: str) -> str:
    """The cell as text: what a spreadsheet would take for a formula gets an apostrophe. Phones stay."""
    if cell.lstrip().startswith(_DANGEROUS) or cell.startswith(_DANGEROUS):
        return cell if _PLAIN_PHONE.fullmatch(cell) else f"'{cell}"
    return cell


def rejects(header: Sequence[str], rows: Iterable[tuple[int, str, list[str]]]) -> Iterator[bytes]:
    """Semicolons, UTF-8 with a byte order mark, CRLF: what Excel in Brazil expects. In portions.

    The original columns come first and under their own names, so that the corrected file can be imported
    as it is; the number of the row and the reason stand behind them.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    out.write("\ufeff")
    writer.writerow([*map(inert, header), _("Row"), _("Reason")])
    for number, reason, cells in rows:
        padded = (cells + [""] * len(header))[: len(header)]
        writer.writerow([*map(inert, padded), number, reasons.reject(reason)])
        if out.tell() > _BUFFER:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()

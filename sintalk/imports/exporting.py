"""The rows that an import left out, as a file to be corrected and imported as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask_babel import gettext as _

from sintalk.imports import reasons
from sintalk.web import sheets


def rejects(header: Sequence[str], rows: Iterable[tuple[int, str, list[str]]]) -> Iterator[bytes]:
    """The original columns first and under their own names; the number of the row and the reason behind them."""
    width = len(header)
    cells = (
        [*(cells + [""] * width)[:width], str(number), reasons.reject(reason)]
        for number, reason, cells in rows
    )
    return sheets.written([*header, _("Row"), _("Reason")], cells)

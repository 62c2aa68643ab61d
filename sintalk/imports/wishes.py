"""How a file is to be read and what is to become of its rows: the same for a look at it and for its import."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sintalk.contacts.cleaning import fold
from sintalk.imports.models import Wished


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """`purpose` is contacts or opt_outs; `mapping` as `mapping.columns` takes it; `has_header` None leaves it
    to the file; `channels` are those of opt-outs, none meaning all."""

    purpose: str = "contacts"
    mapping: Mapping[str, Any] = field(default_factory=dict)
    on_duplicate: str = "update"
    default_ddd: str | None = None
    has_header: bool | None = None
    channels: Sequence[str] = ()

    @classmethod
    def of(cls, row: Wished) -> Wishes:
        """The wishes of a check or an import."""
        return cls(
            purpose=row.purpose,
            mapping=dict(row.mapping),
            on_duplicate=row.on_duplicate,
            default_ddd=row.default_ddd,
            has_header=row.has_header,
            channels=tuple(row.channels),
        )

    def as_columns(self) -> dict[str, Any]:
        return asdict(self) | {"mapping": dict(self.mapping), "channels": sorted(self.channels)}


def signature(header: Sequence[str]) -> str:
    """The same for every file with these columns, however their names are spelled."""
    return hashlib.sha256("\0".join(map(fold, header)).encode()).hexdigest()[:32]

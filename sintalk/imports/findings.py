"""What would become of the rows of a file, counted and with examples; as JSON it waits in a check's row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sintalk.imports.batches import Batch
from sintalk.imports.people import Reject

#: So many examples are kept of what is new, of what changes, and of each reason to reject a row.
EXAMPLES = 5
#: Examples are for looking at: no longer cells than this, in characters.
_CELL = 120


@dataclass
class Findings:
    """At any moment created + changed + same + doubled + rejected = rows.

    `changed` and `same` are people whom the list has, `doubled` rows of somebody whom the file had before.
    With `skip`, and for opt-outs, `same` is everybody who is known.
    """

    rows: int = 0
    created: int = 0
    changed: int = 0
    same: int = 0
    doubled: int = 0
    rejected: int = 0
    opted_out: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    news: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reasons, self.warnings = Counter(self.reasons), Counter(self.warnings)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Findings:
        return cls(**{part.name: stored[part.name] for part in fields(cls) if part.name in stored})

    def as_json(self) -> dict[str, Any]:
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: dict(v) if isinstance(v, Counter) else v for name, v in values.items()}

    def meet(self, batch: Batch) -> None:
        """What the rows say by themselves; the people are compared with the list elsewhere."""
        self.rows += batch.rows
        self.rejected += len(batch.rejects)
        self.warnings += batch.warnings
        for reject in batch.rejects:
            self._reject(reject)

    def _reject(self, reject: Reject) -> None:
        self.reasons[reject.reason] += 1
        if self.reasons[reject.reason] <= EXAMPLES:
            cells = [cell[:_CELL] for cell in reject.cells]
            self.rejects.append({"row": reject.row, "reason": reject.reason, "cells": cells})

    def compare(self, fresh: int, known: int, changed: int, accepted: int) -> None:
        """Of `accepted` rows `fresh` were people not met before; `known` of them the list has."""
        self.created += fresh - known
        self.changed += changed
        self.same += known - changed
        self.doubled += accepted - fresh

    def more(self, kind: str, examples: Iterable[dict[str, Any]]) -> None:
        """Keep some examples of `news` or `changes`."""
        kept: list[dict[str, Any]] = getattr(self, kind)
        kept.extend(list(examples)[: EXAMPLES - len(kept)])

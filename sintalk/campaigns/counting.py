"""What an audience adds up to: people, reasons, parts, price, and a few messages to look at. Pure.

A count can be laid down as JSON and taken up again, so that it may be done in turns; it takes the same room for
ten people and for ten million.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from sintalk.messages.service import Draft
from sintalk.policies.hours import area_of

SAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One message as it would go out; `content` is all of an RCS message or a call. `price_micros` is the most
    that it can cost."""

    name: str | None
    phone: str | None
    text: str
    segments: int
    price_micros: int
    lot: str = ""
    content: Any = None


@dataclass(kw_only=True)
class Count:
    """`people` get the message; `left_out` counts the others by reason; `segments` the people by their parts,
    `areas` by the area of their number (see `policies.hours`)."""

    read: int = 0
    people: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    segments: Counter[int] = field(default_factory=Counter)
    areas: Counter[str] = field(default_factory=Counter)
    price_micros: int = 0
    samples: list[Sample] = field(default_factory=list)
    longest: Sample | None = None

    def add(self, draft: Draft, seed: UUID) -> None:
        """Count one more. Samples are drawn by lot, the same ones for the same `seed` whatever the order."""
        self.read += 1
        if draft.error_code:
            self.left_out[draft.error_code] += 1
            return
        self.people += 1
        self.segments[draft.segments] += 1
        self.areas[area_of(draft.phone or "")] += 1
        self.price_micros += draft.price_micros
        if self.longest is None or _length(draft) > (self.longest.segments, len(self.longest.text)):
            self.longest = _sample(draft, "")
        lot = hashlib.blake2b(f"{seed}{draft.phone}".encode(), digest_size=8).hexdigest()
        if len(self.samples) < SAMPLES or lot < self.samples[-1].lot:
            drawn = sorted([*self.samples, _sample(draft, lot)], key=lambda one: one.lot)
            self.samples = drawn[:SAMPLES]

    @property
    def segments_min(self) -> int:
        return min(self.segments, default=0)

    @property
    def segments_max(self) -> int:
        return max(self.segments, default=0)

    @property
    def segments_median(self) -> int:
        """The parts of the person in the middle."""
        seen = 0
        for parts in sorted(self.segments):
            seen += self.segments[parts]
            if 2 * seen >= self.people:
                return parts
        return 0

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in ("read", "people", "price_micros")},
            "left_out": dict(self.left_out),
            "segments": {str(parts): count for parts, count in self.segments.items()},
            "areas": dict(self.areas),
            "samples": [asdict(sample) for sample in self.samples],
            "longest": asdict(self.longest) if self.longest else None,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Count:
        longest = kept["longest"]
        return cls(
            read=kept["read"],
            people=kept["people"],
            left_out=Counter(kept["left_out"]),
            segments=Counter({int(parts): count for parts, count in kept["segments"].items()}),
            areas=Counter(kept.get("areas", {})),
            price_micros=kept["price_micros"],
            samples=[Sample(**one) for one in kept["samples"]],
            longest=Sample(**longest) if longest else None,
        )


def _length(draft: Draft) -> tuple[int, int]:
    return draft.segments, len(draft.text)


def _sample(draft: Draft, lot: str) -> Sample:
    return Sample(
        name=draft.name,
        phone=draft.phone,
        text=draft.text,
        segments=draft.segments,
        price_micros=draft.price_micros,
        lot=lot,
        content=draft.payload,
    )

"""Rows of a file in portions, each ready to be written: read, cleaned, and every contact only once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from sintalk.imports.people import Person, Reader, Reject

T = TypeVar("T")

#: Rows of a batch, and the characters in them: rows of long texts come in smaller portions.
SIZE = 5_000
CHARACTERS = 2 * 1024 * 1024


@dataclass
class Batch:
    """`rows` rows up to number `last`: `people` by key, `accepted` rows of them, and the `rejects`."""

    rows: int = 0
    last: int = 0
    accepted: int = 0
    people: dict[str, Person] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)


def batches(rows: Iterable[tuple[int, list[str]]], reader: Reader, *, keep_first: bool) -> Iterator[Batch]:
    """Of two rows with the same phone the later one adds to the first and wins, or is left (`keep_first`).

    That is what would happen to them in different batches, so where a batch ends makes no difference.
    """
    rows = iter(rows)
    while portion := list(_portion(rows)):
        yield batch_of(portion, reader, keep_first=keep_first)


def batch_of(portion: list[tuple[int, list[str]]], reader: Reader, *, keep_first: bool) -> Batch:
    """These rows, of which there is at least one, as one batch."""
    reader.warnings = Counter()
    batch = Batch(rows=len(portion), last=portion[-1][0], warnings=reader.warnings)
    people = batch.people
    for number, cells in portion:
        found = reader.read(number, cells)
        if isinstance(found, Reject):
            batch.rejects.append(found)
            continue
        batch.accepted += 1
        earlier = people.setdefault(found.key, found)
        if earlier is not found and not keep_first:
            earlier.absorb(found)
    return batch


def _portion(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    size = 0
    for row in islice(rows, SIZE):
        yield row
        size += sum(map(len, row[1]))
        if size > CHARACTERS:
            return


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; the next one is made in a thread while the caller works on this one."""
    end = object()
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]

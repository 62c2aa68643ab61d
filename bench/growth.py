"""Whether a message costs the same in a small campaign and in a large one, and how much memory workers ever need.

The cost is the time that all processes of the product spent on processors, the database's included: unlike the time on
the clock it does not depend on what else is going on.
"""

from __future__ import annotations

from uuid import UUID

from bench import dispatch
from bench.harness import Bound, Product, say

SMALL, SMALL_ONES = 1_000, 20
#: What the large one may cost and need of what the small ones did.
MORE = 1.25
QUEUES = ("default", "dispatch")


def run(product: Product, count: int) -> list[Bound]:
    """Twenty campaigns of 1,000, one after the other, then one of this many."""
    say(f"{SMALL_ONES} campaigns to {SMALL:,} people each")
    small = dispatch.list_of(product, product.owner.tenant_id, SMALL)
    dispatch.campaign(product, small, SMALL)  # the first one of a process finds everything cold
    cost = _cost(product, small, SMALL, times=SMALL_ONES)
    needed = {queue: product.worker_peak_mb(queue) for queue in QUEUES}
    say(f"One campaign to {count:,} people")
    large = dispatch.list_of(product, product.owner.tenant_id, count)
    more = _cost(product, large, count)
    peaks = {queue: product.worker_peak_mb(queue) for queue in QUEUES}
    return [
        Bound(f"a message in campaigns of {SMALL:,}", cost * 1e6, "us of processors"),
        Bound(f"a message in one of {count:,}", more * 1e6, "us of processors", round(MORE * cost * 1e6, 1)),
        *(Bound(f"most memory of a {queue} worker by then", needed[queue], "MB") for queue in QUEUES),
        *(
            Bound(f"  after {count:,} ({queue})", peaks[queue], "MB", round(MORE * needed[queue], 1))
            for queue in QUEUES
        ),
    ]


def _cost(product: Product, list_id: UUID, count: int, *, times: int = 1) -> float:
    """Seconds of processors a message."""
    before = product.cpu_s()
    for _ in range(times):
        dispatch.campaign(product, list_id, count)
    return (product.cpu_s() - before) / (count * times)

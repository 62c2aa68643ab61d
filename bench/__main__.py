"""`python -m bench [--messages N] [--rows N] [--notifications N] [--contacts N] [part ...]`: starts the product on a
folder of its own and measures it.

The limits are meant for 200,000 messages and 1,000,000 rows on two cores, and for lists over 5,000,000
notifications and 1,000,000 contacts; the defaults are smaller, to be done in a few minutes.
"""

from __future__ import annotations

import argparse
import sys

from bench import dispatch, fairness, growth, imports, scale, send
from bench.bulk import Size
from bench.harness import product, table

PARTS = ("imports", "dispatch", "growth", "fairness", "send", "scale")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks of the whole product.")
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"which ones: {', '.join(PARTS)} (default: all)"
    )
    parser.add_argument("--messages", type=int, default=50_000, help="size of the campaign (default 50,000)")
    parser.add_argument(
        "--rows", type=int, default=100_000, help="rows of the imported file (default 100,000)"
    )
    parser.add_argument(
        "--notifications",
        type=int,
        default=500_000,
        help="of the large database of `scale` (default 500,000)",
    )
    parser.add_argument("--contacts", type=int, default=100_000, help="of the same (default 100,000)")
    given = parser.parse_args()
    wanted = given.parts or PARTS
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    figures, bounds, timings = [], [], []
    if {"imports", "dispatch"} & set(wanted):
        with product() as running:
            if "imports" in wanted:
                figures, bounds = imports.run(running, given.rows)
            if "dispatch" in wanted:
                figures += dispatch.run(running, given.messages)
    if "growth" in wanted:
        with product() as running:
            bounds += growth.run(running, given.messages)
    if "fairness" in wanted:
        with product() as running:
            figures += fairness.run(running, given.messages)
    if "send" in wanted:
        figures += send.run()
    if "scale" in wanted:
        timings = scale.run(Size(notifications=given.notifications, contacts=given.contacts))
        print(scale.report(timings))
    if figures:
        print(table(figures))
    for bound in bounds:
        print(bound)
    sys.exit(0 if all(each.good for each in [*figures, *bounds, *timings]) else 1)


if __name__ == "__main__":
    main()

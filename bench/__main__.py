"""`python -m bench [--messages N] [--rows N] [part ...]`: starts the product on a folder of its own and measures it.

The limits are meant for 200,000 messages and 1,000,000 rows on two cores; the defaults are smaller, to be
done in a few minutes.
"""

from __future__ import annotations

import argparse
import sys

from bench import dispatch, imports, send
from bench.harness import product, table

PARTS = ("imports", "dispatch", "send")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks of the whole product.")
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"which ones: {', '.join(PARTS)} (default: all)"
    )
    parser.add_argument("--messages", type=int, default=50_000, help="size of the campaign (default 50,000)")
    parser.add_argument(
        "--rows", type=int, default=100_000, help="rows of the imported file (default 100,000)"
    )
    given = parser.parse_args()
    wanted = given.parts or PARTS
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    figures = []
    with product() as running:
        if "imports" in wanted:
            figures += imports.run(running, given.rows)
        if "dispatch" in wanted:
            figures += dispatch.run(running, given.messages)
        if "send" in wanted:
            figures += send.run(running)
    print(table(figures))
    sys.exit(0 if all(figure.good for figure in figures) else 1)


if __name__ == "__main__":
    main()

"""Memory stays small whatever the size of the file: measured by the kernel, on a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.imports import weighing


def weigh(*what: str) -> tuple[int, int]:
    """Rows read and MiB at the most."""
    command = [sys.executable, "-m", "tests.imports.weighing", *what]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=110).stdout
    rows, peak = map(int, said.split())
    return rows, peak


def test_a_big_csv_needs_less_than_150_megabytes():
    rows, peak = weigh("csv")
    assert rows == 400_000
    assert peak < 150, f"{peak} MiB"


def test_rows_as_heavy_as_they_may_be_need_no_more():
    rows, peak = weigh("heavy")
    assert rows == 40
    assert peak < 150, f"{peak} MiB"


def test_a_workbook_needs_no_more_either(tmp_path):
    path = tmp_path / "big.xlsx"
    weighing.write_workbook(path, 100_000)
    rows, peak = weigh("xlsx", str(path))
    assert rows == 100_000
    assert peak < 150, f"{peak} MiB"

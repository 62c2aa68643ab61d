"""Memory stays small whatever the size of the file: measured by the kernel, on processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from uuid import UUID

import pytest

from sintalk.contacts.models import ContactList
from sintalk.db import release, session
from sintalk.imports import preview, service
from sintalk.imports.wishes import Wishes
from tests.imports import weighing
from tests.imports.workers import peak_mb, running

#: Memory is flat long before this; SINTALK_MEMORY_ROWS=1000000 shows it (with --timeout 1800).
ROWS = int(os.environ.get("SINTALK_MEMORY_ROWS", "60000"))


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


@pytest.fixture(params=["csv", "xlsx"])
def big(request, tmp_path):
    """(kind, bytes) of a file of ROWS people."""
    path = tmp_path / f"big.{request.param}"
    if request.param == "xlsx":
        weighing.write_workbook(path, ROWS)
    else:
        path.write_bytes(b"".join(weighing.ordinary(ROWS)))
    return request.param, path.read_bytes()


def test_a_whole_worker_checks_and_imports_within_150_megabytes(app, api, upload, list_id, big):
    """The process that people run, application and all. `bench imports` measures it on a million rows."""
    kind, data = big
    wishes = Wishes(mapping={"phone": "Coluna 2"} if kind == "xlsx" else {})
    tenant_id = session().get_one(ContactList, UUID(list_id)).tenant_id
    file_id = UUID(upload(data, kind=kind))
    with running(app, "worker", "imports") as pid:
        check = preview.begin(tenant_id, UUID(list_id), file_id=file_id, wishes=wishes)
        assert ended(lambda: preview.get(tenant_id, UUID(list_id), check.id)).found["created"] == ROWS
        job = preview.run(tenant_id, UUID(list_id), check.id)
        assert ended(lambda: service.get(tenant_id, UUID(list_id), job.id)).created_count == ROWS
        peak = peak_mb(pid)
    assert peak < 150, f"{peak} MB"


def ended(look):
    give_up = time.monotonic() + 110 + ROWS / 1_000
    while (work := look()).unfinished:
        assert time.monotonic() < give_up, work.processed_rows
        release()
        time.sleep(0.2)
    return work

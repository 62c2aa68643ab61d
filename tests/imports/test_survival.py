"""Workers die, meet each other, lose the store and are told to stop: no row is lost, none comes twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import func, select, update

from sintalk import queue
from sintalk.contacts.models import Contact, ContactList
from sintalk.db import atomic, now, session
from sintalk.files import storage
from sintalk.imports import batches, jobs, leases, merging, runner, service, turns
from sintalk.imports.models import ContactImport, ImportCheck, ImportReject, ImportUndo
from sintalk.imports.people import Person
from tests.imports.dying import DEAD
from tests.imports.workers import ROOT, environment

ROWS = 1_900


def a_file(rows: int = ROWS, start: int = 0) -> bytes:
    """Every tenth number is the one of the row before, every nineteenth is none."""
    lines = ["Nome;Celular;Cidade"]
    for i in range(start, start + rows):
        number = "123" if i % 19 == 0 else f"119{9_000_000 + i - (i % 10 == 9):08d}"
        lines.append(f"João {i};{number};São Paulo")
    return "\r\n".join(lines).encode("cp1252")


@pytest.fixture
def started(api, upload, list_id):
    """An import that waits for its worker."""
    answer = api.post(f"/contact-lists/{list_id}/import", {"file_id": upload(a_file())})
    return answer.get_json()["id"]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Not the size that the dying worker has: where a batch ends must make no difference."""
    monkeypatch.setattr(batches, "SIZE", 300)


def state(import_id: str) -> ContactImport:
    session().rollback()
    return session().get_one(ContactImport, import_id, populate_existing=True)


def let_the_lease_run_out() -> None:
    with atomic() as current:
        for model in (ContactImport, ImportCheck, ImportUndo):
            ended = update(model).where(model.status == "running")
            current.execute(ended.values(lease_until=now() - timedelta(seconds=1)))


def check_all_is_right(import_id: str) -> None:
    job = state(import_id)
    assert job.status == "completed"
    assert (job.total_rows, job.processed_rows) == (ROWS, ROWS)
    assert (job.created_count, job.updated_count, job.skipped_count, job.rejected_count) == counted()
    people = session().execute(
        select(func.count(), func.count(Contact.phone.distinct())).where(
            Contact.contact_list_id == job.contact_list_id
        )
    )
    assert tuple(people.one()) == (job.created_count, job.created_count)
    kept = session().scalar(select(ContactList.contact_count).where(ContactList.id == job.contact_list_id))
    assert kept == job.created_count
    rejected = session().scalars(select(ImportReject.row).where(ImportReject.import_id == job.id))
    assert set(rejected) == {i + 2 for i in range(0, ROWS, 19)}


def counted() -> tuple[int, int, int, int]:
    """What the file holds, worked out without the product."""
    numbers = [i - (i % 10 == 9) for i in range(ROWS) if i % 19]
    return len(set(numbers)), len(numbers) - len(set(numbers)), 0, ROWS - len(numbers)


def die(app, point: str, nth: int) -> None:
    command = [sys.executable, "-m", "tests.imports.dying", point, str(nth)]
    died = subprocess.run(
        command, env=environment(app), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert died.returncode == DEAD, died.stderr


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("point", "nth"),
    [
        *(("claimed", 1), ("surveyed", 1), ("writing", 1), ("writing", 3), ("written", 2), ("finishing", 1)),
        ("import_batch_written", 2),
    ],
)
def test_it_goes_on_after_a_sudden_death(app, started, point, nth):
    die(app, point, nth)
    left = state(started)
    assert left.status == "running"
    assert left.processed_rows == {
        **dict.fromkeys(("writing", "import_batch_written"), (nth - 1) * 500),
        **{"written": nth * 500, "finishing": ROWS},
    }.get(point, 0)
    jobs.work()  # the lease still runs: nobody may take over
    assert state(started).fence == 1
    let_the_lease_run_out()
    assert [str(row.id) for row in turns.due()] == [started]
    jobs.work()
    check_all_is_right(started)


@pytest.mark.chaos
def test_dying_after_the_end_changes_nothing(app, started):
    die(app, "finished", 1)
    check_all_is_right(started)
    jobs.work()
    check_all_is_right(started)


@pytest.mark.chaos
def test_it_survives_one_death_after_another(app, started):
    for point in ("claimed", "writing", "written", "writing"):
        die(app, point, 1)
        let_the_lease_run_out()
    jobs.work()
    check_all_is_right(started)
    assert state(started).fence == 5


def test_the_same_job_run_by_several_workers_at_once_is_done_once(app, started):
    in_threads(app, [started] * 4)
    check_all_is_right(started)


def test_a_worker_that_lost_its_lease_writes_nothing(started):
    slow = leases.claim(leases.RunClaim, state(started).id)
    let_the_lease_run_out()
    quick = leases.claim(leases.RunClaim, state(started).id)
    assert quick.fence == slow.fence + 1
    late = batches.Batch(
        rows=1, last=2, accepted=1, people={"x": Person(2, "Ana", None, "+5511999990001", {})}
    )
    with pytest.raises(leases.LostLease):
        runner._write(slow, late)
    with pytest.raises(leases.LostLease):
        leases.finish(slow, "completed")
    assert session().scalar(select(func.count()).select_from(Contact)) == 0
    assert state(started).status == "running"


def test_two_imports_into_one_list_at_once_are_both_right(app, api, upload, list_id):
    ids = []
    for start in (0, 950):
        body = {"file_id": upload(a_file(start=start))}
        ids.append(api.post(f"/contact-lists/{list_id}/import", body).get_json()["id"])
    in_threads(app, ids)
    done = [state(import_id) for import_id in ids]
    numbers = {i - (i % 10 == 9) for i in range(ROWS + 950) if i % 19}
    assert sum(job.created_count for job in done) == len(numbers)
    for job in done:
        assert (job.status, job.processed_rows, job.skipped_count) == ("completed", ROWS, 0)
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == len(numbers)
    assert session().scalar(select(func.count()).select_from(Contact)) == len(numbers)


def test_when_told_to_stop_it_stops_between_two_batches_and_another_goes_on(started, monkeypatch):
    told = threading.Event()
    told.set()
    monkeypatch.setattr(queue, "stopping", told)
    assert turns.take_turn()
    assert (state(started).status, state(started).processed_rows) == ("running", 300)
    told.clear()
    assert [str(row.id) for row in turns.due()] == [started]
    jobs.work()
    check_all_is_right(started)


def test_while_the_store_is_away_the_import_waits(started, monkeypatch):
    def away(*_args, **_kwargs):
        raise storage.StoreAway

    with monkeypatch.context() as patch:
        patch.setattr(storage, "PAUSES", (0.0,))
        patch.setattr(storage.Storage, "_ask", away)
        jobs.work()
    assert (state(started).status, state(started).error_code) == ("running", None)
    let_the_lease_run_out()
    jobs.work()
    check_all_is_right(started)


def test_a_connection_to_the_database_that_breaks_costs_nothing(started, monkeypatch, database):
    write, calls = merging.write, []

    def broken(job, batch):
        calls.append(batch)
        if len(calls) == 2:
            pid = session().connection().connection.driver_connection.info.backend_pid
            with psycopg.connect(database) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        return write(job, batch)

    with monkeypatch.context() as patch:
        patch.setattr(merging, "write", broken)
        with pytest.raises(turns.DATABASE_AWAY):
            jobs.work()
    assert (state(started).status, state(started).processed_rows) == ("running", 300)
    let_the_lease_run_out()
    jobs.work()
    check_all_is_right(started)


def test_a_file_changed_after_the_start_fails_the_import(api, upload, list_id, started):
    file = service.files.get(state(started).tenant_id, state(started).file_id)
    storage.storage().delete(file.key)
    jobs.work()
    job = state(started)
    assert (job.status, job.error_code, job.processed_rows) == ("failed", "file_gone", 0)
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204


def test_canceled_while_it_runs_it_stops_at_the_next_batch(api, started, monkeypatch):
    write = runner._write

    def write_and_cancel(job, batch):
        write(job, batch)
        if batch.last > 600:
            api.post(f"/imports/{started}/cancel")

    monkeypatch.setattr(runner, "_write", write_and_cancel)
    jobs.work()
    job = state(started)
    assert (job.status, job.processed_rows) == ("canceled", 600)
    assert job.created_count + job.updated_count + job.rejected_count == job.processed_rows
    assert job.finished_at is not None


def in_threads(app, ids: list[str]) -> None:
    faults: list[BaseException] = []

    def work(import_id: str) -> None:
        try:
            with app.app_context():
                jobs.work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(import_id,)) for import_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults

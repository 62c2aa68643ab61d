"""Taste that is worth repeating: the house keeps its own rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ROOT / "sintalk"

#: Lower knows nothing of higher. Slices of one rank may know each other only downwards in this order.
RANKS = {
    "accounts": 1,
    "auth": 1,
    "files": 1,
    "contacts": 2,
    "message_templates": 2,
    "billing": 2,
    "carriers": 2,
    "policies": 3,
    "routing": 3,
    "webhooks": 3,
    "imports": 4,
    "messages": 4,
    "phones": 5,
    "campaigns": 5,
    "dashboard": 6,
}
#: Who puts the house together: they may know every room.
TOP = {"sintalk", "cli", "migrating", "worker", "sweeper", "checks", "servers", "__main__"}
CORE = {"db", "counts", "heartbeats", "queue", "errors", "tenancy", "web", "config", "extensions"}
#: Within a slice an arrow points from a door to the verbs to the tables, never back.
DOORS = {"views", "api", "jobs", "callbacks"}


def modules() -> list[Path]:
    return sorted(PRODUCT.rglob("*.py"))


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every `sintalk...` module that this file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sintalk"):
            for name in node.names:
                yield f"{node.module}.{name.name}", node.lineno
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("sintalk"):
                    yield name.name, node.lineno


def room(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def room_of(path: Path) -> str:
    first = path.relative_to(PRODUCT).parts[0]
    return "sintalk" if first == "__init__.py" else first.removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_down_the_ranks(path):
    mine = room_of(path)
    if mine in TOP:
        return
    for dotted, line in imports_of(path):
        theirs = room(dotted)
        if theirs == mine:
            continue
        where = f"{path.relative_to(ROOT)}:{line} imports {dotted}"
        assert theirs not in TOP or theirs == "sintalk", where
        if mine in CORE:
            assert theirs not in RANKS, f"{where}: the core knows no slice"
        elif theirs in RANKS:
            assert RANKS[theirs] <= RANKS[mine], f"{where}: a higher slice"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_verbs_and_tables_know_no_door(path):
    if path.stem in DOORS | {"__init__"} or room_of(path) in TOP | CORE:
        return
    for dotted, line in imports_of(path):
        doors = DOORS.intersection(dotted.split(".")[2:]) if room(dotted) in RANKS else None
        assert not doors, f"{path.relative_to(ROOT)}:{line} imports {dotted}"


def test_there_is_one_commit_in_the_product():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert len(found) == 1 and found[0].startswith("sintalk/db.py"), found


def test_only_the_settings_read_the_environment():
    """The launcher may: it hands an environment on to the processes that it starts."""
    allowed = {"sintalk/config.py"}
    found = {
        str(path.relative_to(ROOT))
        for path in modules()
        if room_of(path) not in ("servers", "cli")
        and re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    }
    assert found <= allowed, found - allowed


def test_no_template_asks_the_database_and_none_trusts_text_blindly():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert "|safe" not in text.replace(" ", ""), path
        assert not re.search(r"\.query\b|session\.|\bstyle=\"|\bon(click|change|submit|load)=", text), path


def test_no_page_carries_inline_script_or_style():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert "<style" not in text, path


def test_every_job_that_is_rung_for_exists_and_has_a_queue():
    from importlib import import_module

    from sintalk.queue import queue_names, queue_of

    rung = {match for path in modules() for match in re.findall(r'enqueue\(\s*"([\w.]+)"', path.read_text())}
    assert len(rung) >= 4
    for dotted in rung:
        module, _, name = dotted.rpartition(".")
        assert callable(getattr(import_module(module), name)), dotted
        assert queue_of(dotted) in queue_names()

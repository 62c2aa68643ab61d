from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace

import pytest
from flask import Flask, g

from sintalk.web import i18n

Visit = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="session")
def languages() -> Flask:
    """An application that knows languages and nothing else."""
    app = Flask(__name__)
    i18n.init(app)
    app.add_url_rule("/lists/<int:number>", "list", lambda number: "")
    return app


@pytest.fixture
def visit(languages: Flask) -> Visit:
    """`with visit("en", timezone="UTC"):` somebody looks at a page."""

    @contextmanager
    def looking(
        language: str = "pt_BR", timezone: str = "America/Sao_Paulo", path: str = "/"
    ) -> Iterator[None]:
        with languages.test_request_context(path):
            g.tenant = SimpleNamespace(locale=language, timezone=timezone)
            yield

    return looking

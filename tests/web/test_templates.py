from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).parent.parent.parent


def test_every_template_compiles(app: Flask) -> None:
    names = app.jinja_env.list_templates(extensions=["html"])
    assert len(names) > 30
    for name in names:
        app.jinja_env.get_template(name)


def test_every_form_that_is_posted_carries_its_token() -> None:
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
            assert "csrf" in form, template


def test_every_part_that_polls_can_end(app: Flask) -> None:
    """Polling stands behind a condition, or a finished page would ask for ever."""
    for template in (ROOT / "templates").rglob("*.html"):
        for line in template.read_text(encoding="utf-8").splitlines():
            if 'hx-trigger="every' in line:
                assert re.search(r"{%-? *if .*data-poll.*hx-trigger=\"every.*{% endif %}", line), template

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l
from wtforms import StringField

from sintalk.errors import Detail, Invalid
from sintalk.web.forms import Form, show_faults
from sintalk.web.htmx import local


class NameForm(Form):
    name = StringField("Name")
    text = StringField("Text")


def test_faults_stand_beside_their_fields_and_the_others_above(languages: Flask) -> None:
    languages.config["SECRET_KEY"] = "x"
    with languages.test_request_context("/", method="POST", headers={"Cookie": "language=en"}):
        form = NameForm()
        faults = (
            Detail("name", "required", "Field required"),
            Detail("sms.text", "too_many_parts", _l("This is too long.")),
            Detail("elsewhere", "odd", "Something else"),
        )
        show_faults(form, Invalid(*faults), fields={"sms.text": "text"})
        assert [str(error) for error in form.name.errors] == ["Fill this in."]
        assert [str(error) for error in form.text.errors] == ["This is too long."]
        assert form.form_errors == ["Something else"]


def test_only_paths_of_our_own_are_returned_to() -> None:
    assert local("/balance?offset=50", "/") == "/balance?offset=50"
    for evil in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:x",
        "",
        None,
        "/a\r\nb",
    ):
        assert local(evil, "/") == "/"

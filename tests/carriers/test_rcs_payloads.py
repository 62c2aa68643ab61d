"""What goes to Google and AWS, against AWS's own model of the call, which botocore carries."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from sintalk.carriers.aws.payloads import send_rcs_message
from sintalk.carriers.rbm.payloads import agent_content_message, agent_message
from tests.carriers.rcs_contents import CHIPS, contents

SHAPE = (
    botocore.session.get_session()
    .get_service_model("pinpoint-sms-voice-v2")
    .operation_model("SendRcsMessage")
    .input_shape
)
CONTENTS = contents()


def faults(call: dict[str, Any]) -> list[str]:
    """All that AWS's model says against it: botocore's own validator, and what that leaves to the server."""
    return [
        *filter(None, [ParamValidator().validate(call, SHAPE).generate_report()]),
        *_limits(call, SHAPE, ""),
    ]


def _limits(value: Any, shape: Shape, path: str):
    """Lengths, patterns, unions: in the model, but not looked at by botocore (it only knows least lengths)."""
    said = shape.metadata
    if isinstance(value, str) and "pattern" in said and not re.fullmatch(said["pattern"], value):
        yield f"{path}: {value[:30]!r} is not {said['pattern']}"
    if isinstance(value, str | list) and len(value) > said.get("max", len(value)):
        yield f"{path}: {len(value)} are more than {said['max']}"
    if isinstance(value, int | float) and not said.get("min", value) <= value <= said.get("max", value):
        yield f"{path}: {value} is out of range"
    if isinstance(value, dict):
        if said.get("union") and len(value) != 1:
            yield f"{path}: {sorted(value)} are not exactly one"
        for name, part in value.items():
            yield from _limits(part, shape.members[name], f"{path}.{name}")
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from _limits(part, shape.member, f"{path}[{index}]")


@pytest.mark.parametrize("name", CONTENTS)
def test_aws_takes_every_kind_of_content_to_its_limits(name):
    call = send_rcs_message(CONTENTS[name], to="+5511987654321", sender="agente-123")
    assert faults(call) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("text.body", "x" * 3073),
        ("text.body", "   "),
        ("suggestions", [CHIPS[0]] * 12),
        ("suggestions[0].text", "x" * 26),
        ("suggestions[1].url", "http://example.com"),
        ("suggestions[4].latitude", 91),
    ],
)
def test_the_model_would_say_no_so_that_these_tests_can_fail(path, value):
    from tests.message_templates.template_contents import changed

    content = changed(CONTENTS["longest text with all chips"], path, value)
    assert faults(send_rcs_message(content, to="+5511987654321", sender="agente-123"))


def test_aws_is_told_how_long_to_try_and_gives_up_when_the_sms_is_due():
    call = send_rcs_message(CONTENTS["text with fallback"], to="+5511987654321", sender="a")
    assert (call["TimeToLive"], call["MessageTrafficType"]) == (600, "PROMOTION")
    assert "FallbackConfiguration" not in call
    longest = {**CONTENTS["text"], "ttl_seconds": 1_296_000}
    assert send_rcs_message(longest, to="+5511987654321", sender="a")["TimeToLive"] == 172_800


def test_aws_has_no_tall_pictures_in_a_carousel_and_google_has():
    content = CONTENTS["tall medium cards"]
    cards = send_rcs_message(content, to="+5511987654321", sender="a")["RcsMessageContent"]["Content"]
    assert cards["Carousel"]["CardContents"][0]["Media"]["Height"] == "MEDIUM"
    google = agent_content_message(content)["richCard"]["carouselCard"]
    assert google["cardContents"][0]["media"]["height"] == "TALL"


def test_google_gets_each_chip_with_its_own_fields_and_the_postback_in_base64():
    chips = agent_content_message(CONTENTS["longest text with all chips"])["suggestions"]
    kinds = [next(iter(set(chip.get("action", chip)) - {"text", "postbackData"})) for chip in chips[:7]]
    assert kinds == [
        "reply",
        "openUrlAction",
        "dialAction",
        "viewLocationAction",
        "viewLocationAction",
        "shareLocationAction",
        "createCalendarEventAction",
    ]
    assert chips[2]["action"]["dialAction"] == {"phoneNumber": "+551140041234"}
    assert chips[6]["action"]["createCalendarEventAction"]["startTime"] == "2026-12-24T23:00:00.000Z"
    assert b64decode(chips[9]["reply"]["postbackData"]).decode() == "não"


def test_google_is_told_duration_and_traffic_in_its_own_words():
    message = agent_message(CONTENTS["text of every traffic"])
    assert (message["ttl"], message["messageTrafficType"]) == ("10s", "SERVICEREQUEST")
    assert agent_message(CONTENTS["text with fallback"])["ttl"] == "600s"


@pytest.mark.parametrize(
    ("name", "alignment"),
    [("card on the left", "LEFT"), ("card on the right", "RIGHT"), ("vertical card", None)],
)
def test_google_gets_the_side_of_a_picture_where_there_is_one(name, alignment):
    card = agent_content_message(CONTENTS[name])["richCard"]["standaloneCard"]
    assert card.get("thumbnailImageAlignment") == alignment


def test_a_content_of_no_kind_is_a_fault_of_ours():
    with pytest.raises(ValueError, match="no RCS content"):
        agent_content_message({"type": "pigeon"})

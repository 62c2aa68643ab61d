"""How the adapter reads what can go wrong on the wire, and what it refuses to believe."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest

from sintalk.carriers import registry
from sintalk.carriers.base import (
    BadPayload,
    BadSignature,
    Call,
    Carrier,
    Outcome,
    RawRequest,
    callback_token,
    verify_token,
)
from sintalk.carriers.simulator import wire
from sintalk.carriers.simulator.adapter import SimulatorCarrier
from sintalk.config import ConfigError, Settings
from tests.carriers.running import SECRET, attempts, free_port, outcomes

Answering = Callable[[bytes], SimulatorCarrier]


def settings_for(port: int, **more: str) -> Settings:
    return Settings.from_env(
        {
            "SINTALK_DATA": "/nonexistent",
            "SINTALK_SECRET_KEY": SECRET,
            "SINTALK_SIMULATOR_URL": f"http://127.0.0.1:{port}",
            **more,
        }
    )


@pytest.fixture(scope="module")
def carrier() -> Iterator[SimulatorCarrier]:
    """An adapter whose simulator is not there."""
    carrier = SimulatorCarrier(settings_for(free_port()))
    yield carrier
    carrier.close()


@pytest.fixture
def answered_with() -> Iterator[Answering]:
    """Makes an adapter for a peer that reads one request whole, answers with these bytes and hangs up."""
    open_: list[socket.socket | SimulatorCarrier] = []

    def answered_with(answer: bytes) -> SimulatorCarrier:
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=_answer_once, args=(listener, answer), daemon=True).start()
        carrier = SimulatorCarrier(settings_for(listener.getsockname()[1]))
        open_.extend([listener, carrier])
        return carrier

    yield answered_with
    for each in open_:
        each.close()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    peer, _ = listener.accept()
    with peer:
        received = b""
        while b"\r\n\r\n" not in received:
            received += peer.recv(65_536)
        head, _, body = received.partition(b"\r\n\r\n")
        [length] = [
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        ]
        while len(body) < length:
            body += peer.recv(65_536)
        peer.sendall(answer)


def response(status: int, body: object = None, *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Length: {len(data)}",
        *headers,
        "Connection: close",
        "",
        "",
    ]
    return "\r\n".join(head).encode() + data


def test_a_refused_connection_means_nothing_was_sent(carrier):
    assert outcomes(carrier.submit(attempts(3))) == ["retryable"] * 3


def test_an_answer_that_never_comes_leaves_all_unknown(answered_with):
    batch = attempts(3)
    results = answered_with(b"").submit(batch)
    assert outcomes(results) == ["unknown"] * 3
    assert [r.attempt_id for r in results] == [a.id for a in batch]


@pytest.mark.parametrize(
    "answer",
    [
        b"\x16\x03\x01 this is not HTTP\r\n\r\n",
        response(200, {"results": []})[:-3],
        response(200, b'{"results": [{"id": "'),
        response(200, b"\xff\xfe"),
        response(200, []),
        response(200, {"results": None}),
        response(200, {"results": [1, 2]}),
        response(200, {"results": [{"status": "accepted"}]}),
        response(200, b"[" * 200_000),
        response(200, b"not gzip", "Content-Encoding: gzip"),
    ],
    ids=["no HTTP", "cut", "half JSON", "no text", "list", "null", "numbers", "no id", "deep", "no gzip"],
)
def test_a_broken_answer_leaves_all_unknown(answered_with, answer):
    assert outcomes(answered_with(answer).submit(attempts(2))) == ["unknown"] * 2


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (500, "unknown"),
        (502, "unknown"),
        (504, "unknown"),
        (507, "unknown"),
        (202, "unknown"),
        (503, "throttled"),
        (429, "throttled"),
        (400, "permanent"),
        (413, "permanent"),
        (422, "permanent"),
        (401, "config"),
        (402, "config"),
        (403, "config"),
        (404, "config"),
        (302, "config"),
    ],
)
def test_a_status_for_the_whole_request_is_everybodys_outcome(answered_with, status, outcome):
    results = answered_with(response(status, {"error": "x"})).submit(attempts(2))
    assert outcomes(results) == [outcome] * 2
    assert {r.error_code for r in results} == {f"carrier_status_{status}"}


def test_retry_after_is_read_in_both_its_forms(answered_with):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    waits = [
        answered_with(response(503, None, f"Retry-After: {value}")).submit(attempts(1))[0].retry_after_s
        for value in ("7", soon, "soon", "-1", "nan")
    ]
    assert waits[0] == 7
    assert waits[1] == pytest.approx(90, abs=5)
    assert waits[2:] == [None, None, None]


def test_each_message_has_the_outcome_that_its_own_line_gives(answered_with):
    first, second, third, fourth, fifth = batch = attempts(5)
    answer = [
        {"id": str(third.id), "status": "throttled", "retry_after": 1.5},
        {"id": str(first.id), "status": "accepted", "carrier_message_id": "c-1"},
        {"id": str(second.id), "status": "rejected", "error": "invalid_number"},
        {"id": str(fourth.id), "status": ["what"]},
        {"id": str(UUID(int=9)), "status": "accepted", "carrier_message_id": "nobody's"},
    ]
    results = {r.attempt_id: r for r in answered_with(response(200, {"results": answer})).submit(batch)}
    assert set(results) == {a.id for a in batch}
    assert (results[first.id].outcome, results[first.id].carrier_message_id) == (Outcome.ACCEPTED, "c-1")
    assert (results[second.id].outcome, results[second.id].error_code) == (
        Outcome.PERMANENT,
        "invalid_number",
    )
    assert (results[third.id].outcome, results[third.id].retry_after_s) == (Outcome.THROTTLED, 1.5)
    assert results[fourth.id].outcome is Outcome.UNKNOWN
    assert results[fifth.id].outcome is Outcome.UNKNOWN


def test_more_than_a_batch_is_a_fault_of_ours(carrier):
    with pytest.raises(AssertionError, match="201 attempts"):
        carrier.submit(attempts(201))


GOOD = {
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "carrier_message_id": "sim-1",
    "status": "not_delivered",
    "error": "absent_subscriber",
    "at": "2026-11-22T10:00:00.250Z",
}


def callback(
    body: object, *, token: str | None = None, at: float | None = None, key: str = SECRET
) -> RawRequest:
    """A callback as the simulator makes it, or nearly."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = wire.sign(wire.signing_key(key), data, int(time.time() if at is None else at))
    return RawRequest(
        headers={name.upper(): value for name, value in headers.items()},
        body=data,
        token=callback_token(key, "simulator") if token is None else token,
    )


def test_a_signed_callback_becomes_events(carrier):
    [event] = carrier.parse_callback(callback({"receipts": [GOOD]}))
    assert event.message_id == UUID(GOOD["id"])
    assert (event.carrier_message_id, event.status, event.error_code) == (
        "sim-1",
        "not_delivered",
        "absent_subscriber",
    )
    assert event.at == datetime(2026, 11, 22, 10, 0, 0, 250_000, UTC)


CALL = {
    **GOOD,
    "call": {"result": "answered", "answered_by": "human", "answered_seconds": 31, "billed_seconds": 36},
}
TAP = {
    "kind": "tap",
    "id": GOOD["id"],
    "phone": "+5511987654321",
    "text": "Ver",
    "data": "ver",
    "at": GOOD["at"],
}


def test_a_receipt_of_a_call_says_how_it_went(carrier):
    [event] = carrier.parse_callback(callback({"receipts": [CALL]}))
    assert event.call == Call(result="answered", answered_by="human", answered_seconds=31, billed_seconds=36)


def test_what_people_do_comes_after_the_receipts(carrier):
    written = {"kind": "inbound", "phone": "+5511987654321", "text": "SAIR", "at": GOOD["at"]}
    pressed = {**TAP, "kind": "key", "text": "9"}
    events = carrier.parse_callback(callback({"receipts": [GOOD], "answers": [TAP, written, pressed]}))
    assert [(e.kind, e.phone, e.text, e.data) for e in events[1:]] == [
        ("tap", "+5511987654321", "Ver", "ver"),
        ("inbound", "+5511987654321", "SAIR", None),
        ("key", "+5511987654321", "9", "ver"),
    ]
    assert [e.message_id for e in events] == [UUID(GOOD["id"]), UUID(GOOD["id"]), None, UUID(GOOD["id"])]


def test_a_callback_with_another_token_key_or_body_is_refused(carrier):
    good = callback({"receipts": [GOOD]})
    forged = [
        callback({"receipts": [GOOD]}, token="0" * 64),
        callback({"receipts": [GOOD]}, token=""),
        callback({"receipts": [GOOD]}, token="çã\udcff"),
        callback({"receipts": [GOOD]}, key="another key"),
        callback({"receipts": [GOOD]}, key="another key", token=good.token),
        RawRequest(headers=good.headers, body=good.body.replace(b"sim-1", b"sim-2"), token=good.token),
        RawRequest(headers={}, body=good.body, token=good.token),
    ]
    for each in forged:
        with pytest.raises(BadSignature):
            carrier.parse_callback(each)


@pytest.mark.parametrize("stamp", ["", "x", "-1", "１２３", "9" * 40, "1.5"])
def test_a_timestamp_that_is_none_is_refused(carrier, stamp):
    good = callback({"receipts": [GOOD]})
    headers = {**good.headers, wire.TIMESTAMP_HEADER.upper(): stamp}
    with pytest.raises(BadSignature):
        carrier.parse_callback(RawRequest(headers=headers, body=good.body, token=good.token))


@pytest.mark.parametrize("age", [301, 86_400, -301])
def test_a_callback_from_another_time_is_refused(carrier, age):
    with pytest.raises(BadSignature, match="too long ago"):
        carrier.parse_callback(callback({"receipts": [GOOD]}, at=time.time() - age))


def test_a_timestamp_moved_forward_breaks_the_signature(carrier):
    old = callback({"receipts": [GOOD]}, at=time.time() - 1000)
    headers = {**old.headers, wire.TIMESTAMP_HEADER.upper(): str(int(time.time()))}
    with pytest.raises(BadSignature, match="wrong signature"):
        carrier.parse_callback(RawRequest(headers=headers, body=old.body, token=old.token))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        [],
        {"receipts": None},
        {"receipts": ["x"]},
        {"receipts": [{**GOOD, "status": "eaten"}]},
        {"receipts": [{**GOOD, "status": []}]},
        {"receipts": [{**GOOD, "id": "1"}]},
        {"receipts": [{**GOOD, "at": "yesterday"}]},
        {"receipts": [{**GOOD, "at": "2026-11-22T10:00:00"}]},
        {"receipts": [{}]},
        {"receipts": [{**CALL, "call": {"result": "eaten"}}]},
        {"receipts": [{**CALL, "call": {"result": "answered", "answered_by": "cat"}}]},
        {"receipts": [{**CALL, "call": {"result": "answered", "billed_seconds": -6}}]},
        {"receipts": [{**CALL, "call": {"result": "answered", "billed_seconds": True}}]},
        {"receipts": [{**CALL, "call": "long"}]},
        {"receipts": [], "answers": [{**TAP, "kind": "shout"}]},
        {"receipts": [], "answers": [{**TAP, "text": None}]},
        {"receipts": [], "answers": [{**TAP, "phone": 5511}]},
        {"receipts": [], "answers": [{**TAP, "data": {}}]},
        {"receipts": [], "answers": [{**TAP, "id": "x"}]},
        {"receipts": [], "answers": [1]},
    ],
)
def test_a_signed_callback_that_makes_no_sense_is_a_bad_payload(carrier, body):
    with pytest.raises(BadPayload):
        carrier.parse_callback(callback(body))


def test_a_token_belongs_to_one_carrier_and_one_installation():
    token = callback_token(SECRET, "simulator")
    assert verify_token(SECRET, "simulator", token)
    assert not verify_token(SECRET, "zenvia", token)
    assert not verify_token("another key", "simulator", token)


def test_the_callback_address_is_made_of_the_public_url(answered_with):
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def look() -> None:
        peer, _ = listener.accept()
        with peer:
            seen.append(peer.recv(65_536))
            seen.append(peer.recv(65_536) if b"callback_url" not in seen[0] else b"")

    watcher = threading.Thread(target=look)
    watcher.start()
    public = settings_for(listener.getsockname()[1], SINTALK_PUBLIC_URL="https://msg.example/")
    SimulatorCarrier(public).submit(attempts(1))
    watcher.join()
    listener.close()
    token = callback_token(SECRET, "simulator")
    assert f'"https://msg.example/callbacks/simulator/{token}"'.encode() in b"".join(seen)


def test_the_registry_keeps_one_carrier_a_process_and_knows_no_other():
    settings = settings_for(free_port())
    first: Carrier = registry.get("simulator", settings)
    assert registry.get("simulator", settings) is first
    assert registry.get("simulator", settings_for(free_port())) is not first
    with pytest.raises(registry.UnknownCarrier):
        registry.get("pigeon", settings)


def test_without_its_settings_the_adapter_says_which():
    with pytest.raises(ConfigError, match="SINTALK_SIMULATOR_URL"):
        SimulatorCarrier(Settings.from_env({"SINTALK_DATA": "/nonexistent", "SINTALK_SECRET_KEY": SECRET}))


def test_it_says_what_it_has_and_what_it_has_not(own_simulator, connect):
    carrier = connect(own_simulator)
    taken, never = attempts(3), attempts(2)
    refs = {each.attempt_id: each.carrier_message_id for each in carrier.submit(taken)}
    asked = [*(each.id for each in taken), *(each.id for each in never)]
    for _ in range(2):
        found = {each.attempt_id: each for each in carrier.query(asked)}
        assert {id_: each.carrier_message_id for id_, each in found.items() if each.has} == refs
        assert {id_ for id_, each in found.items() if not each.has} == {each.id for each in never}
        own_simulator.kill()
        own_simulator.start()  # it knows them again
    assert len(own_simulator.accepted()) == 3, "asking sends nothing"


def test_one_that_takes_ids_again_says_what_it_has_too(start_simulator, connect):
    carrier = connect(start_simulator(SINTALK_SIMULATOR_IDEMPOTENT="0"))
    batch = attempts(1)
    carrier.submit(batch)
    assert [(each.attempt_id, each.has) for each in carrier.query([batch[0].id])] == [(batch[0].id, True)]


def test_one_that_does_not_answer_questions_says_so(start_simulator, connect):
    carrier = connect(start_simulator(SINTALK_SIMULATOR_LOOKUP="0"))
    assert not carrier.info.answers_queries
    assert carrier.query([attempts(1)[0].id]) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        response(500, {"error": "broken"}),
        response(200, b"<html>"),
        response(200, []),
        response(200, {"results": [{"id": "00000000-0000-7000-8000-000000000001"}]}),
        response(200, {"results": [{"status": "accepted"}]}),
    ],
    ids=("nothing", "500", "no json", "no object", "no word", "no id"),
)
def test_a_question_without_a_clear_answer_was_not_answered(answered_with, answer):
    assert answered_with(answer).query([UUID("00000000-0000-7000-8000-000000000001")]) == []


def test_a_question_to_nobody_was_not_answered(carrier):
    assert carrier.query([attempts(1)[0].id]) == []

"""The simulated carrier as a process, seen through our adapter and through its log."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from sintalk.carriers.base import Attempt
from sintalk.carriers.simulator.adapter import SimulatorCarrier
from tests.carriers.running import SECRET, WEB, Receiver, Running, attempts, eventually, outcomes

Connect = Callable[[Running], SimulatorCarrier]
Start = Callable[..., Running]


def test_a_batch_is_accepted_logged_and_delivered(carrier, simulator, receiver):
    batch = attempts(3)
    results = carrier.submit(batch)
    assert [r.attempt_id for r in results] == [a.id for a in batch]
    assert outcomes(results) == ["accepted"] * 3
    assert len({r.carrier_message_id for r in results}) == 3
    logged = simulator.accepted(batch)
    assert [(line["id"], line["to"], line["channel"], line["text"]) for line in logged] == [
        (str(a.id), a.to, "sms", a.text) for a in batch
    ]
    assert set(logged[0]) == {"id", "to", "channel", "text", "at"}
    eventually(lambda: len(receiver.events) == 3)
    assert {(e.message_id, e.carrier_message_id) for e in receiver.events} == {
        (r.attempt_id, r.carrier_message_id) for r in results
    }
    assert {(e.kind, e.status, e.error_code) for e in receiver.events} == {("receipt", "delivered", None)}


def test_a_number_ending_in_0002_is_accepted_and_then_not_delivered(carrier, receiver):
    assert outcomes(carrier.submit(attempts(1, ending="0002"))) == ["accepted"]
    eventually(lambda: receiver.events)
    assert (receiver.events[0].status, receiver.events[0].error_code) == (
        "not_delivered",
        "absent_subscriber",
    )


def test_a_number_ending_in_0003_is_refused_and_not_logged(carrier, simulator):
    batch = attempts(1, ending="0003")
    [result] = carrier.submit(batch)
    assert (result.outcome.value, result.error_code) == ("permanent", "invalid_number")
    assert simulator.accepted(batch) == []


def test_the_answer_for_0004_is_lost_and_its_receipt_comes_later(carrier, simulator, receiver):
    [lost], others = attempts(1, ending="0004"), attempts(2)
    results = {r.attempt_id: r.outcome.value for r in carrier.submit([others[0], lost, others[1]])}
    assert results == {others[0].id: "accepted", lost.id: "unknown", others[1].id: "accepted"}
    assert len(simulator.accepted([lost])) == 1
    eventually(lambda: lost.id in {e.message_id for e in receiver.events})
    assert receiver.events[-1].message_id == lost.id


def test_a_lost_answer_is_given_when_the_id_is_repeated(carrier, simulator):
    batch = attempts(1, ending="0004")
    assert outcomes(carrier.submit(batch)) == ["unknown"]
    assert outcomes(carrier.submit(batch)) == ["accepted"]
    assert len(simulator.accepted(batch)) == 1


def test_a_number_ending_in_0005_is_accepted_and_nothing_more_is_heard(own_carrier, own_simulator, receiver):
    silent, loud = attempts(1, ending="0005"), attempts(1)
    assert outcomes(own_carrier.submit(silent + loud)) == ["accepted", "accepted"]
    eventually(lambda: own_simulator.health()["receipts_waiting"] == 0 and receiver.events)
    assert [e.message_id for e in receiver.events] == [loud[0].id]


def test_a_number_ending_in_0006_is_throttled_twice_and_then_taken(carrier, simulator):
    batch = attempts(1, ending="0006")
    results = [carrier.submit(batch)[0] for _ in range(4)]
    assert outcomes(results) == ["throttled", "throttled", "accepted", "accepted"]
    assert results[0].retry_after_s == 0.5
    assert len(simulator.accepted(batch)) == 1


def test_rcs_and_voice_are_taken_with_their_payload_in_the_log(carrier, simulator):
    batch = [
        Attempt(id=uuid4(), to="+5511987654321", channel="rcs", payload={"type": "text", "body": "Promoção"}),
        Attempt(
            id=uuid4(), to="+5511987654321", channel="voice", payload={"source": "tts", "text": "x" * 3000}
        ),
    ]
    assert outcomes(carrier.submit(batch)) == ["accepted", "accepted"]
    rcs, voice = simulator.accepted(batch)
    assert (rcs["channel"], rcs["text"]) == ("rcs", '{"type": "text", "body": "Promoção"}')
    assert voice["channel"] == "voice" and len(voice["text"]) == 300


def one(channel: str, ending: str, **payload: object) -> Attempt:
    return Attempt(id=uuid4(), to=f"+55119876{uuid4().int % 10}{ending}", channel=channel, payload=payload)


def test_a_phone_without_rcs_is_unreachable_by_it_and_nothing_is_taken(carrier, simulator):
    batch = [one("rcs", "0010", type="text"), one("voice", "0010", source="tts")]
    assert outcomes(carrier.submit(batch)) == ["unreachable", "accepted"]
    assert [line["channel"] for line in simulator.accepted(batch)] == ["voice"]


def test_rcs_may_be_read_expire_or_arrive_although_it_was_to_be_taken_back(carrier, receiver):
    batch = [one("rcs", ending, type="text") for ending in ("0011", "0012", "0013")]
    carrier.submit(batch)
    eventually(lambda: len(receiver.events) == 5)
    said = [[(e.status, e.error_code) for e in receiver.events if e.message_id == a.id] for a in batch]
    assert said == [
        [("delivered", None), ("read", None)],
        [("not_delivered", "expired")],
        [("not_delivered", "revoke_failed"), ("delivered", None)],
    ]


def test_calls_are_answered_by_whom_the_number_says_and_billed_in_30_and_6(carrier, receiver):
    said = {"source": "tts", "tts": {"text": "x" * 14 * 35}, "amd": "detect"}
    batch = [one("voice", ending, **said) for ending in ("1111", "0022", "0023", "0020", "0021")]
    carrier.submit(batch)
    eventually(lambda: len(receiver.events) == 5)
    calls = {e.message_id: e.call for e in receiver.events}
    assert [
        (
            calls[a.id].result,
            calls[a.id].answered_by,
            calls[a.id].answered_seconds,
            calls[a.id].billed_seconds,
        )
        for a in batch
    ] == [
        ("answered", "human", 35, 36),
        ("answered", "machine", 35, 36),
        ("answered", "human", 2, 0),
        ("busy", None, None, None),
        ("no_answer", None, None, None),
    ]


def test_a_message_to_a_phone_that_is_off_waits_no_longer_than_its_time(carrier, simulator, receiver):
    message = Attempt(id=uuid4(), to="+5511900001111", channel="sms", text="Oi", ttl_seconds=1)
    phones = f"http://127.0.0.1:{simulator.port}/phones"
    WEB.post(phones, json={"phone": message.to, "do": "off"})
    carrier.submit([message])
    eventually(lambda: receiver.events)
    assert [(e.status, e.error_code) for e in receiver.events] == [("not_delivered", "absent_subscriber")]
    WEB.post(phones, json={"phone": message.to, "do": "on"})


def test_nonsense_done_with_a_phone_is_refused(simulator):
    phones = f"http://127.0.0.1:{simulator.port}/phones"
    for body in (
        {},
        [],
        {"phone": 1, "do": "off"},
        {"phone": "+55", "do": "eat"},
        {"phone": "+55", "do": "tap"},
    ):
        assert WEB.post(phones, json=body).status_code == 422, body


def test_a_repeated_id_is_answered_as_before_and_not_logged_again(carrier, simulator):
    batch = attempts(5)
    first, again = carrier.submit(batch), carrier.submit(batch)
    assert first == again
    assert len(simulator.accepted(batch)) == 5


def test_a_repeated_id_is_known_after_a_kill_and_a_restart(own_carrier, own_simulator):
    batch = attempts(200)
    first = own_carrier.submit(batch)
    own_simulator.kill()
    own_simulator.start()
    assert own_carrier.submit(batch) == first
    assert len(own_simulator.accepted()) == 200


def test_without_idempotency_every_repetition_is_taken_under_a_name_of_its_own(
    start_simulator: Start, connect: Connect
):
    running = start_simulator(SINTALK_SIMULATOR_IDEMPOTENT="0")
    carrier = connect(running)
    assert carrier.info.idempotency == "none"
    batch = attempts(2)
    names = [r.carrier_message_id for _ in range(3) for r in carrier.submit(batch)]
    assert Counter(line["id"] for line in running.accepted()) == {str(a.id): 3 for a in batch}
    assert len(set(names)) == 6


def test_the_adapter_says_that_repeating_is_safe_where_it_is(carrier):
    assert carrier.info.idempotency == "client_id"
    assert carrier.info.echoes_reference


def test_one_id_from_sixteen_threads_at_once_is_logged_once(carrier, simulator):
    batches = [attempts(20) for _ in range(10)]
    with ThreadPoolExecutor(16) as pool:
        for batch in batches:
            answers = [pool.submit(carrier.submit, batch) for _ in range(16)]
            assert {outcome for each in answers for outcome in outcomes(each.result())} == {"accepted"}
    everybody = [attempt for batch in batches for attempt in batch]
    logged = simulator.accepted(everybody)
    assert Counter(line["id"] for line in logged) == {str(attempt.id): 1 for attempt in everybody}


def test_an_id_twice_in_one_request_is_logged_once(carrier, simulator):
    [attempt] = attempts(1)
    assert outcomes(carrier.submit([attempt, attempt])) == ["accepted", "accepted"]
    assert len(simulator.accepted([attempt])) == 1


def test_a_line_torn_by_a_kill_is_cut_off_and_its_message_taken_again(own_carrier, own_simulator):
    whole, torn = attempts(3), attempts(1)
    own_carrier.submit(whole + torn)
    own_simulator.kill()
    data = own_simulator.log_path.read_bytes()
    own_simulator.log_path.write_bytes(data[:-30])
    own_simulator.start()
    assert [line["id"] for line in own_simulator.accepted()] == [str(a.id) for a in whole]
    own_carrier.submit(whole + torn)
    assert [line["id"] for line in own_simulator.accepted()] == [str(a.id) for a in whole + torn]


def test_a_log_that_is_one_torn_line_is_emptied(own_simulator):
    own_simulator.kill()
    own_simulator.log_path.write_bytes(b'{"id": "0198')
    own_simulator.start()
    assert own_simulator.log_path.read_bytes() == b""


def test_text_with_odd_line_breaks_stays_on_one_line(carrier, simulator):
    odd = "a\nb\rc\x85d\u2028e\u2029f\x0bg"
    attempt = Attempt(id=uuid4(), to="+5511987654321", channel="sms", text=odd)
    carrier.submit([attempt])
    assert [line["text"] for line in simulator.accepted([attempt])] == [odd]


def test_latency_holds_up_each_answer_and_no_other_request(start_simulator: Start, connect: Connect):
    running = start_simulator(SINTALK_SIMULATOR_LATENCY_MS="600000")
    carrier = connect(running)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(carrier.submit, attempts(1)) for _ in range(3)]
        eventually(lambda: len(running.accepted()) == 3)
        assert running.health()["accepted"] == 3
        assert not any(each.done() for each in answers)
        running.kill()
        assert [outcomes(each.result()) for each in answers] == [["unknown"]] * 3


def test_latency_ends(start_simulator: Start, connect: Connect):
    carrier = connect(start_simulator(SINTALK_SIMULATOR_LATENCY_MS="300"))
    began = time.monotonic()
    assert outcomes(carrier.submit(attempts(1))) == ["accepted"]
    assert time.monotonic() - began >= 0.3


def test_receipts_come_up_to_200_a_call(carrier, receiver):
    sent = [attempt.id for _ in range(10) for attempt in _submitted(carrier, 200)]
    eventually(lambda: len(receiver.events) >= 2000)
    assert sorted(e.message_id for e in receiver.events) == sorted(sent)
    assert max(map(len, receiver.calls)) == 200
    assert len(receiver.calls) < 60


def test_receipts_wait_for_a_receiver_that_is_away(carrier, receiver):
    receiver.status = 503
    sent = {attempt.id for attempt in _submitted(carrier, 250)}
    eventually(lambda: len(receiver.requests) >= 3)
    assert not receiver.events
    receiver.status = 200
    eventually(lambda: {e.message_id for e in receiver.events} == sent)


def test_receipts_wait_for_a_receiver_that_does_not_listen(own_carrier, own_simulator, receiver: Receiver):
    port = receiver.server.server_port
    receiver.close()
    sent = {attempt.id for attempt in _submitted(own_carrier, 20)}
    time.sleep(1.5)  # past the time of all of them
    assert own_simulator.health()["receipts_waiting"] == 20
    back = Receiver(port, receiver.prefix)
    back.carrier = own_carrier
    eventually(lambda: {e.message_id for e in back.events} == sent)
    back.close()


def test_receipts_that_are_refused_for_good_are_not_tried_again(own_carrier, own_simulator, receiver):
    receiver.status = 403
    own_carrier.submit(attempts(1))
    eventually(lambda: receiver.requests and own_simulator.health()["receipts_waiting"] == 0)
    assert len(receiver.requests) == 1


def test_receipts_owed_at_a_kill_are_sent_after_the_restart_and_the_others_are_not(
    own_carrier, own_simulator, receiver
):
    before = _submitted(own_carrier, 10)
    eventually(lambda: len(receiver.events) == 10 and own_simulator.health()["receipts_waiting"] == 0)
    eventually(lambda: str(before[-1].id) in (own_simulator.folder / "simulator/receipts.jsonl").read_text())
    receiver.status = 503
    owed = _submitted(own_carrier, 10) + _submitted(own_carrier, 3, ending="0005")
    own_simulator.kill()
    receiver.status = 200
    receiver.calls.clear()
    own_simulator.start()
    eventually(lambda: len(receiver.events) >= 10)
    assert {e.message_id for e in receiver.events} == {attempt.id for attempt in owed[:10]}


def test_receipts_after_a_restart_name_the_same_carrier_id(own_carrier, own_simulator, receiver):
    receiver.status = 503
    [result] = own_carrier.submit(attempts(1))
    own_simulator.kill()
    receiver.status = 200
    own_simulator.start()
    eventually(lambda: receiver.events)
    assert receiver.events[0].carrier_message_id == result.carrier_message_id


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_asked(own_carrier, own_simulator, how):
    own_carrier.submit(attempts(200))
    assert own_simulator.stop(how) == 0
    assert len(own_simulator.accepted()) == 200


def test_it_stops_though_an_answer_is_held_up(start_simulator: Start, connect: Connect):
    running = start_simulator(SINTALK_SIMULATOR_LATENCY_MS="600000")
    carrier = connect(running)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(carrier.submit, attempts(1))
        eventually(running.accepted)
        assert running.stop() == 0
        assert outcomes(answer.result()) == ["unknown"]
    assert len(running.accepted()) == 1


def test_a_second_one_over_the_same_folder_does_not_start(own_simulator, tmp_path):
    second = Running(tmp_path)
    with pytest.raises(AssertionError, match="did not start"):
        second.start()
    assert own_simulator.health()["status"] == "ok"


def _post(simulator: Running, **request) -> httpx.Response:
    return WEB.post(f"http://127.0.0.1:{simulator.port}/messages", **request)


def _body(*messages, url="http://127.0.0.1:9/callbacks/simulator/x") -> dict:
    return {"callback_url": url, "messages": list(messages)}


GOOD = {"id": "0199a1b2-0000-7000-8000-000000000001", "to": "+5511987654321", "channel": "sms", "text": "oi"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": []}, 400),
        ({"json": {"callback_url": "http://127.0.0.1:9/", "messages": {}}}, 400),
        ({"json": _body()}, 422),
        ({"json": _body(*[GOOD] * 201)}, 422),
        ({"json": _body(GOOD, url="file:///etc/passwd")}, 422),
        ({"json": _body(GOOD, url=None)}, 422),
        ({"content": json.dumps(_body(GOOD)), "headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": iter([b"x"]), "headers": {"Content-Type": "application/json"}}, 411),
    ],
)
def test_a_request_that_is_wrong_as_a_whole_is_refused_and_nothing_taken(simulator, request_, status):
    before = simulator.accepted()
    assert _post(simulator, **request_).status_code == status
    assert simulator.accepted() == before


@pytest.mark.parametrize(
    "fault",
    [
        {"to": "11987654321"},
        {"to": None},
        {"channel": "fax"},
        {"channel": []},
        {"text": None},
        {"text": 5},
        {"id": "1"},
        {"id": 7},
        {"payload": "p", "text": None},
    ],
)
def test_a_bad_message_is_rejected_alone(simulator, fault):
    good = {**GOOD, "id": str(uuid4())}
    before = len(simulator.accepted())
    answer = _post(simulator, json=_body({**GOOD, **fault}, "not even an object", good))
    assert Counter(r["status"] for r in answer.json()["results"]) == {"rejected": 2, "accepted": 1}
    assert [line["id"] for line in simulator.accepted()][before:] == [good["id"]]


def test_the_secret_key_is_not_in_what_it_sends(carrier, receiver):
    carrier.submit(attempts(1))
    eventually(lambda: receiver.requests)
    assert SECRET not in repr(receiver.requests[0])


def _submitted(carrier: SimulatorCarrier, count: int, **how: str) -> list[Attempt]:
    batch = attempts(count, **how)
    for start in range(0, count, 200):
        carrier.submit(batch[start : start + 200])
    return batch

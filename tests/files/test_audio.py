"""How long audio really is, and what is no audio: the traps of domain.md 4.3, through the real store."""

from __future__ import annotations

import io
import struct

import pytest

from sintalk.files import audio, service, sniff
from tests.files import sounds
from tests.files.test_files_api import begin, confirm, put

TYPES = {"mp3": "audio/mpeg", "m4a": "audio/mp4", "mp4": "audio/mp4", "wav": "audio/wav", "ogg": "audio/ogg"}


def upload(api, data: bytes, content_type: str):
    target = begin(api, kind="audio", filename="oi", content_type=content_type)
    assert put(target, data) == 200
    return confirm(api, target)


@pytest.fixture(scope="module")
def made():
    """Each form of the sound, made once."""
    return {name: sounds.make(name) for name in sounds.FORMS}


@pytest.mark.parametrize("name", [name for name in sounds.FORMS if not name.endswith(".webm")])
def test_every_form_of_a_sound_is_as_long_as_it_sounds(api, made, name):
    answer = upload(api, made[name], TYPES[name.rpartition(".")[2]])
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["duration_ms"] == pytest.approx(12_340, abs=60)
    assert api.get("/files").get_json()["data"][0]["duration_ms"] == answer.get_json()["duration_ms"]


@pytest.mark.parametrize(("name", "about"), [("cbr.mp3", 6_170), ("opus.ogg", 6_000), ("pcm.wav", 6_170)])
def test_a_file_cut_in_half_is_as_long_as_what_is_left(api, made, name, about):
    half = made[name][: len(made[name]) // 2]
    answer = upload(api, half, TYPES[name.rpartition(".")[2]])
    assert answer.get_json()["duration_ms"] == pytest.approx(about, abs=1_100)


def test_the_streamed_wav_and_the_mp3_without_a_table_really_lie(made):
    """Or the tests above would prove nothing."""
    assert struct.unpack("<I", made["streamed.wav"][4:8])[0] == 0xFFFFFFFF
    assert b"Xing" in made["vbr.mp3"] and b"Xing" not in made["vbr-without-xing.mp3"]
    assert b"moof" in made["fragmented.mp4"]


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("half of aac.m4a", "audio/mp4"),
        ("pcm.wav", "audio/mpeg"),
        ("cbr.mp3", "audio/wav"),
        ("opus.webm", "audio/ogg"),
        (b"<html><body>hello</body></html>" * 100, "audio/mpeg"),
        (b"ID3\x03\x00\x00\x00\x00\x00\x00" + bytes(range(1, 200)) * 500, "audio/mpeg"),
        (b"OggS" + b"\x00" * 5000, "audio/ogg"),
        (b"\x00\x00\x00\x20ftypM4A " + b"\x00" * 5000, "audio/mp4"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00" + b"\x00" * 5000, "audio/wav"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "audio/mpeg"),
        (b"ID3\n#EXTM3U\n#EXT-X-TARGETDURATION:5\nfile:///etc/hostname\n", "audio/mpeg"),
    ],
)
def test_what_is_no_sound_of_its_type_is_refused_and_removed(api, made, data, content_type):
    if isinstance(data, str):
        whole = made[data.removeprefix("half of ")]
        data = whole[: len(whole) // 2] if data.startswith("half") else whole
    answer = upload(api, data, content_type)
    assert (answer.status_code, answer.get_json()["error_code"]) == (422, "content_mismatch")
    assert api.get("/files").get_json()["data"][0]["status"] == "rejected"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(0.9, "audio_too_short"), (1, None), (1.1, None), (179, None), (180, None), (181, "audio_too_long")],
)
def test_audio_lasts_1_to_180_seconds(api, seconds, code):
    answer = upload(api, sounds.make("mulaw.wav", seconds), "audio/wav")
    assert answer.get_json().get("error_code") == code
    if code is None:
        assert answer.get_json()["duration_ms"] == seconds * 1000


def test_180_seconds_of_mp3_with_their_padding_are_180_seconds(api):
    assert upload(api, sounds.make("vbr-without-xing.mp3", 180), "audio/mpeg").status_code == 200


@pytest.mark.parametrize(("name", "hours"), [("opus.ogg", 0.2), ("flac.ogg", 2)])
def test_hours_packed_into_a_small_file_are_refused_soon(api, name, hours):
    data = sounds.make(name, hours * 3600, source="anullsrc=r=8000:cl=mono")
    assert len(data) < service.LIMITS["audio"]
    answer = upload(api, data, "audio/ogg")
    assert (answer.status_code, answer.get_json()["error_code"]) == (422, "audio_too_long")


def test_what_takes_too_long_to_decode_is_given_up(monkeypatch, tmp_path, made):
    """A fake ffmpeg that never ends: the bound is ours."""
    stuck = tmp_path / "ffmpeg"
    stuck.write_text("#!/bin/sh\nexec sleep 600\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(audio.imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(stuck))
    monkeypatch.setattr(audio, "WALL_S", 0.3)
    with pytest.raises(audio.Unreadable):
        audio.measure(tmp_path / "x", "mp3")


def test_memory_is_bounded(monkeypatch, tmp_path, made):
    path = tmp_path / "a.wav"
    path.write_bytes(made["pcm.wav"])
    assert audio.measure(path, "wav") == 12_340
    monkeypatch.setattr(audio, "_BOUNDED", 'ulimit -v 20000 && exec "$@"')
    with pytest.raises(audio.Unreadable):
        audio.measure(path, "wav")


def test_only_some_are_decoded_at_a_time_and_who_waits_too_long_is_asked_to_come_back(api, made, monkeypatch):
    monkeypatch.setattr(audio, "WAIT_S", 0.1)
    for _ in range(audio.AT_ONCE):
        audio._turns.acquire()
    try:
        answer = upload(api, made["cbr.mp3"], "audio/mpeg")
    finally:
        for _ in range(audio.AT_ONCE):
            audio._turns.release()
    assert (answer.status_code, answer.get_json()["error_code"]) == (503, "audio_busy")
    assert answer.headers["Retry-After"]
    file_id = api.get("/files").get_json()["data"][0]["id"]
    assert api.post("/files/confirm-upload", {"file_id": file_id}).get_json()["status"] == "uploaded"


@pytest.mark.parametrize("name", ["opus.webm", "fragmented.mp4", "opus.ogg"])
def test_what_a_browser_records_becomes_an_mp3(signed_in, alice, made, name):
    body = {"file": (io.BytesIO(made[name]), "gravação.webm"), "recorded": "1"}
    answer = signed_in.post("/files/audio", data=body)
    assert answer.status_code == 200, answer.get_json()
    file = service.get(alice.tenant_id, answer.get_json()["file_id"])
    assert (file.status, file.content_type, file.filename) == ("uploaded", "audio/mpeg", "gravação.mp3")
    assert answer.get_json()["duration_ms"] == pytest.approx(12_340, abs=120)
    sound = signed_in.get(answer.get_json()["url"])
    assert sound.mimetype == "audio/mpeg" and sniff.kind(sound.get_data()) == "mp3"


def test_a_file_in_a_form_is_known_by_its_bytes_not_by_its_name(signed_in, alice, made):
    answer = signed_in.post("/files/audio", data={"file": (io.BytesIO(made["pcm.wav"]), "oi.mp3")})
    file = service.get(alice.tenant_id, answer.get_json()["file_id"])
    assert (file.content_type, file.duration_ms) == ("audio/wav", 12_340)


@pytest.mark.parametrize(
    "data", [b"<html>", b"", b"\x1a\x45\xdf\xa3" + b"\x00" * 900, b"\x89PNG\r\n\x1a\n" + b"\x00" * 90]
)
def test_a_form_with_something_else_is_told_so(signed_in, data):
    answer = signed_in.post("/files/audio", data={"file": (io.BytesIO(data), "x.mp3"), "recorded": "1"})
    assert answer.status_code == 422
    assert answer.get_json()["error"]


def test_a_form_with_too_much_is_told_so(signed_in, monkeypatch, made):
    monkeypatch.setitem(service.LIMITS, "audio", 1000)
    answer = signed_in.post("/files/audio", data={"file": (io.BytesIO(made["cbr.mp3"]), "x.mp3")})
    assert answer.status_code == 413


def test_the_page_uploads_under_the_names_that_browsers_use_and_confirms(signed_in, made):
    import httpx

    form = {"kind": "audio", "filename": "a.m4a", "content_type": "audio/x-m4a"}
    target = signed_in.post("/files/uploads", data=form).get_json()
    assert httpx.put(target["url"], content=made["aac.m4a"], headers=target["headers"]).status_code == 200
    answer = signed_in.post(f"/files/{target['file_id']}/audio")
    assert answer.get_json()["duration_ms"] == pytest.approx(12_340, abs=60)
    part = signed_in.get(answer.get_json()["url"], headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.get_data(), part.mimetype) == (206, b"ftyp", "audio/mp4")


def test_sound_of_another_company_is_not_there(app, alice, charlie, signed_in, made):
    from tests import factories

    mine = signed_in.post("/files/audio", data={"file": (io.BytesIO(made["cbr.mp3"]), "x.mp3")}).get_json()
    stranger = factories.browser(app, charlie)
    assert stranger.get(mine["url"]).status_code == 404
    assert stranger.post(mine["url"]).status_code == 404


def test_a_decoding_holds_no_database_connection(api, app, made, monkeypatch):
    from sintalk.db import db

    seen, measure = [], audio.measure

    def watched(path, kind):
        seen.append(db.engine.pool.checkedout())
        return measure(path, kind)

    monkeypatch.setattr(audio, "measure", watched)
    assert upload(api, made["cbr.mp3"], "audio/mpeg").status_code == 200
    assert seen == [0]

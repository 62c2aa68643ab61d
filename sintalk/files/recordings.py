"""Audio that comes in a form, past the presigned address: a recording made in the browser, or a file of a form
without script. Recordings are WebM or fragmented MP4, whatever the browser likes, and become an MP3.
"""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path
from typing import IO
from uuid import UUID

from sintalk.files import audio, service, sniff
from sintalk.files.models import File


def take(tenant_id: UUID, *, filename: str, body: IO[bytes], recorded: bool = False) -> File:
    """Store and confirm it, as its bytes say what it is; what is none of our four types is converted.

    Raises 413, 422 `content_mismatch`, `audio_too_short`, `audio_too_long`, and what `files.receive` raises.
    """
    data = body.read(service.LIMITS["audio"] + 1)
    if len(data) > service.LIMITS["audio"]:
        raise service.too_large("audio")
    kind = sniff.kind(data[: sniff.HEAD])
    if recorded or kind not in sniff.AUDIO_TYPES:
        data, kind, filename = _as_mp3(data, kind), "mp3", str(Path(filename).with_suffix(".mp3"))
    return service.receive(
        tenant_id,
        kind="audio",
        filename=filename[-255:],
        content_type=sniff.AUDIO_TYPES[kind],
        body=BytesIO(data),
    )


def convert(data: bytes, kind: str, *, seconds: int = audio.LONGEST_MS // 1000 + 1) -> bytes:
    """These bytes as an MP3, no more than so many seconds. Raises audio.Unreadable, 503 `audio_busy`."""
    with tempfile.NamedTemporaryFile(prefix="sintalk-audio-") as copy:
        copy.write(data)
        copy.flush()
        try:
            return audio.to_mp3(Path(copy.name), kind, seconds=seconds)
        except audio.Busy:
            raise service.busy() from None


def _as_mp3(data: bytes, kind: str) -> bytes:
    if kind not in audio.READERS:
        raise service.not_audio()
    try:
        return convert(data, kind)
    except audio.Unreadable:
        raise service.not_audio() from None

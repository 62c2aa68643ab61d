"""Sound, decoded by ffmpeg: how long it really is, and as MP3. Headers lie, so what counts is what comes out.

A variable bit rate without its table, a file cut in half, an MP4 in fragments, a WAV that was streamed: readers
of headers are wrong by minutes or hours about each of them (domain.md 4.3), a whole decoding is not. It takes
less than half a second for the longest file that is taken (two busy cores).

ffmpeg reads what strangers sent, so it is a process of its own with bounds on time and memory, no network, the
one format that the bytes announced (so no playlist that names other files) and the decoders of that trade. What
unpacks to hours stops at the limit. Pure of database and store: a path goes in.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from pathlib import Path

import imageio_ffmpeg

log = logging.getLogger(__name__)

#: What is taken, in milliseconds (domain.md 4.3). Encoders pad the end: MP3 by up to two frames of 26 to 52 ms.
SHORTEST_MS, LONGEST_MS, PADDING_MS = 1_000, 180_000, 110
#: Speech of 3000 characters at half the speed, in seconds.
LONGEST_SPEECH_S = 600
#: ffmpeg's reader for each kind that `sniff` knows; `webm` is what browsers record.
READERS = {"mp3": "mp3", "mp4": "mov", "wav": "wav", "ogg": "ogg", "webm": "matroska"}
DECODERS = (
    "mp3,mp3float,aac,alac,vorbis,opus,libopus,flac,pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_f64le,"
    "pcm_mulaw,pcm_alaw,adpcm_ms,adpcm_ima_wav"
)
#: A telephone's rate: 8000 samples a second of two bytes, one channel.
_BYTES_A_MS = 16
#: Seconds of a processor, seconds of a clock, and KiB of memory that one file may cost.
CPU_S, WALL_S, MEMORY_KIB = 6, 8, 1_000_000
#: So many at a time in one process; who waits longer than this for a turn is told to come back.
AT_ONCE, WAIT_S = 2, 5.0

_turns = threading.BoundedSemaphore(AT_ONCE)
_BOUNDED = f'ulimit -t {CPU_S} && ulimit -v {MEMORY_KIB} && ulimit -c 0 && exec "$@"'


class Unreadable(Exception):
    """There is no sound in it that can be decoded."""


class Busy(Exception):
    """Too many are being decoded just now: try again in a moment."""


def measure(path: Path, kind: str) -> int:
    """How long this file sounds, in milliseconds, counted to a second beyond LONGEST_MS. `kind` as of `sniff`.

    Raises Unreadable, Busy.
    """
    sound = _run(path, kind, ["-ac", "1", "-ar", "8000", "-f", "s16le"])
    return round(len(sound) / _BYTES_A_MS)


def to_mp3(path: Path, kind: str, *, seconds: int = LONGEST_MS // 1000 + 1) -> bytes:
    """The same as an MP3 that every carrier takes: one channel, 24 kHz, 64 kbit/s; no more than so many
    seconds of it. Raises Unreadable, Busy.
    """
    target = ["-ac", "1", "-ar", "24000", "-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"]
    return _run(path, kind, target, seconds=seconds)


def _run(path: Path, kind: str, target: list[str], *, seconds: int = LONGEST_MS // 1000 + 1) -> bytes:
    command = [
        *("/bin/sh", "-c", _BOUNDED, "sh", imageio_ffmpeg.get_ffmpeg_exe()),
        *("-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-filter_threads", "1"),
        *("-protocol_whitelist", "file", "-codec_whitelist", DECODERS, "-f", READERS[kind]),
        *("-i", f"file:{path.absolute()}", "-map", "0:a:0", "-map_metadata", "-1"),
        *("-t", str(seconds), *target, "-threads", "1", "pipe:1"),
    ]
    if not _turns.acquire(timeout=WAIT_S):
        raise Busy
    try:
        done = subprocess.run(  # noqa: S603 - the bounds stand above; nothing of the command is a stranger's
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WALL_S,
            env={"LC_ALL": "C"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning("an audio file took longer than %s s to decode", WALL_S)
        raise Unreadable from None
    finally:
        _turns.release()
    if done.returncode or not done.stdout:
        log.info("undecodable audio (%s): %s", done.returncode, done.stderr[-500:].decode(errors="replace"))
        raise Unreadable
    return done.stdout

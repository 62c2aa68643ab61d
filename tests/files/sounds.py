"""Sounds to try things with, made by the product's own ffmpeg: noise, which no codec packs to nothing."""

from __future__ import annotations

import subprocess
import tempfile

import imageio_ffmpeg

#: How to write each form of it: everything that stands between the sound and the output.
FORMS = {
    "cbr.mp3": "-c:a libmp3lame -b:a 64k -f mp3",
    "vbr.mp3": "-c:a libmp3lame -q:a 5 -f mp3",
    "vbr-without-xing.mp3": "-c:a libmp3lame -q:a 5 -write_xing 0 -id3v2_version 0 -f mp3",
    "aac.m4a": "-c:a aac -f ipod",
    "fragmented.mp4": "-c:a aac -movflags frag_keyframe+empty_moov+default_base_moof -f mp4",
    "vorbis.ogg": "-c:a libvorbis -f ogg",
    "opus.ogg": "-c:a libopus -f ogg",
    "flac.ogg": "-c:a flac -f ogg",
    "pcm.wav": "-c:a pcm_s16le -ar 8000 -f wav",
    "mulaw.wav": "-c:a pcm_mulaw -ar 8000 -f wav",
    "streamed.wav": "-c:a pcm_s16le -ar 8000 -f wav",
    "opus.webm": "-c:a libopus -f webm",
}
#: Forms that can only be written to something that can be rewound.
SEEKING = ("cbr.mp3", "vbr.mp3", "aac.m4a", "pcm.wav", "mulaw.wav")


def make(name: str, seconds: float = 12.34, source: str = "anoisesrc=a=0.3:r=44100") -> bytes:
    """The sound in this form. `streamed.wav` has 0xFFFFFFFF for its size, as everything written to a pipe."""
    command = ["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", str(seconds), "-ac", "1"]
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), *command, *FORMS[name].split()]
    if name in SEEKING:
        with tempfile.NamedTemporaryFile() as target:
            subprocess.run([*ffmpeg, f"file:{target.name}"], check=True)
            return target.read()
    return subprocess.run([*ffmpeg, "pipe:1"], check=True, capture_output=True).stdout

"""Text to speech by the engine of this machine, where it has one: espeak-ng, or its older sister espeak.

The text goes in by a pipe, so that nothing of it is read as an option or as a file; the voice is one of ours.
What comes out is an MP3, as of a recording. Engines that carriers bring are the carriers' affair.
"""

from __future__ import annotations

import shutil
import subprocess
import threading

from flask_babel import lazy_gettext as _l

from sintalk.errors import DomainError
from sintalk.files import audio, recordings, service

ENGINES = ("espeak-ng", "espeak")
#: What is to be installed where there is none (Debian, Ubuntu).
PACKAGE = "espeak-ng"
#: Our voices: as the engine calls them -> as people do. The first one speaks where a template names none of them.
VOICES = {
    "pt-br": _l("Portuguese, low voice"),
    "pt-br+f3": _l("Portuguese, high voice"),
    "es-419": _l("Spanish, low voice"),
    "es-419+f3": _l("Spanish, high voice"),
    "en-us": _l("English, low voice"),
    "en-us+f3": _l("English, high voice"),
}
#: Words a minute at rate 1; `voice.CHARACTERS_A_SECOND` was measured at it.
WORDS_A_MINUTE = 160
#: 3000 characters take four seconds on one shared core.
WALL_S = 15
AT_ONCE, WAIT_S = 2, 5.0

_turns = threading.BoundedSemaphore(AT_ONCE)


class NoEngine(DomainError):
    """This machine cannot speak."""

    def __init__(self) -> None:
        sentence = _l(
            "This server cannot read texts aloud yet. Whoever runs it can install the package %(package)s.",
            package=PACKAGE,
        )
        super().__init__(409, "speech_unavailable", sentence)


def engine() -> str | None:
    """The path of the engine; None where the machine has none."""
    return next((path for name in ENGINES if (path := shutil.which(name))), None)


def synthesise(text: str, *, voice: str | None = None, rate: float = 1.0) -> bytes:
    """The text read aloud, as an MP3. Raises 409 `speech_unavailable`, 503 `audio_busy`, 422 `content_mismatch`."""
    program = engine()
    if program is None:
        raise NoEngine
    name = voice if voice in VOICES else next(iter(VOICES))
    speed = round(WORDS_A_MINUTE * min(max(rate, 0.5), 2.0))
    if not _turns.acquire(timeout=WAIT_S):
        raise service.busy()
    try:
        done = subprocess.run(  # noqa: S603 - the text is no part of the command
            [program, "-b", "1", "-v", name, "-s", str(speed), "--stdin", "--stdout"],
            input=text.encode("utf-8", "ignore"),
            capture_output=True,
            timeout=WALL_S,
            check=True,
        )
        return recordings.convert(done.stdout, "wav", seconds=audio.LONGEST_SPEECH_S)
    except (subprocess.SubprocessError, audio.Unreadable):
        raise service.not_audio() from None
    finally:
        _turns.release()

"""What the simulator remembers over a kill -9: every message it accepted, and every receipt it got rid of.

`accepted.jsonl` is the oracle of the crash tests, so it may not be wrong: what is answered as accepted is in
it, once, before the answer leaves. Both files are only ever appended to, whole requests at a time, by a bare
write(2): no buffer of ours that a kill could lose.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

#: Characters that some readers of lines take for the end of one.
ODD_LINE_BREAKS = (("\x85", "\\u0085"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
#: A string as JSON; people read the log, so Portuguese stays Portuguese.
quoted = json.JSONEncoder(ensure_ascii=False).encode
ID_AT = slice(len(b'{"id": "'), len(b'{"id": "') + 36)


class LogInUse(Exception):
    """Another simulator writes into this folder; the message is a sentence for the person at the terminal."""


class Accepted(NamedTuple):
    """One message that was taken; `id` in the canonical form, `at` RFC 3339, UTC, milliseconds.

    The whole content of RCS and voice, and the seconds that it may wait, are known until a restart.
    """

    id: str
    to: str
    channel: str
    text: str
    at: str
    content: Mapping[str, Any] = MappingProxyType({})
    ttl: int | None = None

    def line(self) -> bytes:
        """The message as a line of the log: `id` comes first and `at` last, the reading back counts on it."""
        text = quoted(self.text)
        for line_break, escaped in ODD_LINE_BREAKS:
            text = text.replace(line_break, escaped)
        line = (
            f'{{"id": "{self.id}", "to": "{self.to}", "channel": "{self.channel}", '
            f'"text": {text}, "at": "{self.at}"}}\n'
        )
        return line.encode("utf-8", "backslashreplace")


def timestamp(seconds: float) -> str:
    """A moment as the wire and the log write it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number_of(message_id: str) -> int:
    """The id as a number, which is half as heavy in memory."""
    return int(message_id.replace("-", ""), 16)


class AppendFile:
    """A file of lines that only grows. Opening it cuts off a last line that a kill left unfinished."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        _lock(self._file, path)
        os.ftruncate(self._file, _end_of_last_line(path))

    def write(self, data: bytes) -> None:
        """Append all of it or nothing. Raises OSError (a full disk) with the file as it was."""
        before = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, data)
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            os.ftruncate(self._file, before)
            raise

    def lines(self) -> Iterator[bytes]:
        """Every line so far."""
        with self.path.open("rb") as file:
            yield from file

    def rewrite(self, data: bytes) -> None:
        """Let the file hold this instead."""
        os.ftruncate(self._file, 0)
        self.write(data)

    def close(self) -> None:
        """A `write` from now on raises OSError; the number is let go of, as it may soon be a socket's."""
        file, self._file = self._file, -1
        os.close(file)


Numbered = tuple[int, Accepted, bytes]


class AcceptedLog:
    """`accepted.jsonl` and the ids in it (100 bytes each), by which repeated ones are known where that is wanted."""

    def __init__(self, path: Path, *, idempotent: bool) -> None:
        self._file = AppendFile(path)
        self._idempotent = idempotent
        self._seen: set[int] = set()
        self._lock = threading.Lock()

    def recover(self, *, since: str, settled: set[int]) -> list[Accepted]:
        """Learn the ids back from the file; answers the unsettled messages of those taken since then."""
        rest, start = [], since.encode()
        for line in self._file.lines():
            number = int(line[ID_AT].replace(b"-", b""), 16)
            self._seen.add(number)
            if line[-len(start) - 3 : -3] >= start and number not in settled:
                rest.append(Accepted(**json.loads(line)))
        return rest

    def append(self, messages: Sequence[Accepted]) -> list[Accepted]:
        """Write down the messages whose id is new, and answer those; on return they are in the file.

        The same id in two threads at once is written by one of them. Raises OSError with nothing written.
        """
        numbered = [(number_of(message.id), message, message.line()) for message in messages]
        with self._lock:
            new = list(self._new_ones(numbered))
            self._file.write(b"".join(line for _, _, line in new))
            self._seen.update(number for number, _, _ in new)
        return [message for _, message, _ in new]

    def knows(self, message_id: str) -> bool:
        """Whether a message of this id was taken before; never, where repeated ids are not to be known."""
        return self._idempotent and self.has(message_id)

    def has(self, message_id: str) -> bool:
        """Whether a message of this id was taken."""
        return number_of(message_id) in self._seen

    def close(self) -> None:
        """No more messages: an `append` from now on raises OSError."""
        with self._lock:
            self._file.close()

    def _new_ones(self, numbered: Iterable[Numbered]) -> Iterator[Numbered]:
        here: set[int] = set()
        for each in numbered:
            if not self._idempotent or (each[0] not in self._seen and each[0] not in here):
                yield each
            here.add(each[0])


class ReceiptJournal:
    """`receipts.jsonl`: where receipts go, `{"callback_url"}`, and whose were taken, `{"done": [ids], "at"}`.

    A receipt is owed for every message in `accepted.jsonl` that is not in here. One sent twice is harmless.
    """

    def __init__(self, path: Path) -> None:
        self._file = AppendFile(path)
        self._lock = threading.Lock()
        self.callback_url: str | None = None

    def recover(self, *, since: str) -> set[int]:
        """Learn the last callback URL back; answers whose receipts were taken since then.

        The file forgets the older ones, so that it does not grow for ever.
        """
        done: set[int] = set()
        kept = []
        for line in self._file.lines():
            entry = json.loads(line)
            self.callback_url = entry.get("callback_url", self.callback_url)
            if entry.get("at", "") >= since:
                kept.append(line)
                done.update(map(number_of, entry["done"]))
        self._file.rewrite(_json_line({"callback_url": self.callback_url}) + b"".join(kept))
        return done

    def note_callback_url(self, url: str) -> None:
        """Where the receipts of what comes now are to go, also after a restart."""
        with self._lock:
            if url != self.callback_url:
                self._file.write(_json_line({"callback_url": url}))
                self.callback_url = url

    def note_done(self, ids: Sequence[str]) -> None:
        """These messages' receipts were taken."""
        with self._lock:
            self._file.write(_json_line({"done": ids, "at": timestamp(time.time())}))

    def close(self) -> None:
        with self._lock:
            self._file.close()


def _json_line(entry: dict[str, object]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def _end_of_last_line(path: Path) -> int:
    """Bytes up to and with the last line break."""
    end = path.stat().st_size
    with path.open("rb") as file:
        while end:
            start = max(0, end - 65_536)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def _lock(file: int, path: Path, *, patience_s: float = 3.0) -> None:
    """Keep a second simulator out; one that was just told to stop is given time to go."""
    give_up = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise LogInUse(f"Another simulator is running on {path.parent}; stop it first.") from None
            time.sleep(0.05)

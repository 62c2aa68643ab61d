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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

#: Characters that some readers of lines take for the end of one.
ODD_LINE_BREAKS = (("\x85", "\\u0085"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
ID_AT = slice(len(b'{"id": "'), len(b'{"id": "') + 36)


class LogInUse(Exception):
    """Another simulator writes into this folder; the message is a sentence for the person at the terminal."""


@dataclass(frozen=True)
class Accepted:
    """One message that was taken; `at` is RFC 3339, UTC, milliseconds."""

    id: UUID
    to: str
    channel: str
    text: str
    at: str

    def line(self) -> bytes:
        """The message as a line of the log: `id` comes first and `at` last, the reading back counts on it."""
        fields = {
            "id": str(self.id),
            "to": self.to,
            "channel": self.channel,
            "text": self.text,
            "at": self.at,
        }
        line = json.dumps(fields, ensure_ascii=False)  # people read it: Portuguese stays Portuguese
        for breaks, escaped in ODD_LINE_BREAKS:
            line = line.replace(breaks, escaped)
        return line.encode("utf-8", "backslashreplace") + b"\n"


def timestamp(seconds: float) -> str:
    """A moment as the wire and the log write it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


class AcceptedLog:
    """`accepted.jsonl` and, where repeated ids are to be known again, the ids in it (100 bytes each)."""

    def __init__(self, path: Path, *, idempotent: bool) -> None:
        self._file = AppendFile(path)
        self._idempotent = idempotent
        self._seen: set[int] = set()
        self._lock = threading.Lock()

    def recover(self, *, since: str) -> list[Accepted]:
        """Learn the ids back from the file; answers the messages taken at `since` or later."""
        recent, start = [], since.encode()
        for line in self._file.lines():
            if self._idempotent:
                self._seen.add(int(line[ID_AT].replace(b"-", b""), 16))
            if line[-len(start) - 3 : -3] >= start:
                fields = json.loads(line)
                recent.append(Accepted(**{**fields, "id": UUID(fields["id"])}))
        return recent

    def append(self, messages: Sequence[Accepted]) -> list[Accepted]:
        """Write down the messages whose id is new, and answer those; on return they are in the file.

        The same id in two threads at once is written by one of them. Raises OSError with nothing written.
        """
        lines = {id(message): message.line() for message in messages}
        with self._lock:
            new = list(self._new_ones(messages))
            if new:
                self._file.write(b"".join(lines[id(message)] for message in new))
            if self._idempotent:
                self._seen.update(message.id.int for message in new)
        return new

    def knows(self, message_id: UUID) -> bool:
        """Whether a message of this id was taken before; never, where repeated ids are not to be known."""
        return message_id.int in self._seen

    def close(self) -> None:
        """No more messages: an `append` from now on raises OSError."""
        with self._lock:
            self._file.close()

    def _new_ones(self, messages: Iterable[Accepted]) -> Iterator[Accepted]:
        here: set[int] = set()
        for message in messages:
            number = message.id.int
            if number not in self._seen and number not in here:
                yield message
            if self._idempotent:
                here.add(number)


class ReceiptJournal:
    """`receipts.jsonl`: where receipts go, `{"callback_url"}`, and whose were taken there, `{"done": [ids]}`.

    A receipt is owed for every message in `accepted.jsonl` that is not in here. Known as done twice is
    harmless, and so is a receipt sent twice.
    """

    def __init__(self, path: Path) -> None:
        self._file = AppendFile(path)
        self._lock = threading.Lock()
        self.callback_url: str | None = None

    def recover(self, taken: Iterable[Accepted]) -> list[Accepted]:
        """Learn the last callback URL back; answers those of the messages whose receipt is still owed.

        The file is left with what concerns these messages only, so that it does not grow for ever.
        """
        owed = {message.id.int: message for message in taken}
        done = []
        for line in self._file.lines():
            entry = json.loads(line)
            self.callback_url = entry.get("callback_url", self.callback_url)
            done += [each for each in entry.get("done", ()) if owed.pop(UUID(each).int, None)]
        self._file.rewrite(_json_line({"callback_url": self.callback_url}) + _json_line({"done": done}))
        return list(owed.values())

    def note_callback_url(self, url: str) -> None:
        """Where the receipts of what comes now are to go, also after a restart."""
        with self._lock:
            if url != self.callback_url:
                self._file.write(_json_line({"callback_url": url}))
                self.callback_url = url

    def note_done(self, ids: Iterable[UUID]) -> None:
        """These messages' receipts were taken."""
        with self._lock:
            self._file.write(_json_line({"done": [str(each) for each in ids]}))

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


def _lock(file: int, path: Path, *, patience_s: float = 5.0) -> None:
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

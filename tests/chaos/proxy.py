"""A small fault proxy: a TCP relay that can be slow, cut, deaf, or cut right after certain bytes went by."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time


class Proxy:
    """Relays to `target`, (host, port) or the path of a Unix socket, from a port of its own.

    `latency_s` holds every piece back; `deaf` takes bytes and passes none on (half-open); `cut_after` resets a
    connection once these bytes went to the target, each time they are seen; `cut_at` does before these come
    back from it; `garbled` puts the second bytes, as many, in place of the first on their way back; `heal` ends
    all of that; `down` refuses everybody.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self.target = target
        self.latency_s = 0.0
        self.deaf = False
        self.cut_after: bytes | None = None
        self.cut_at: bytes | None = None
        self.garbled: tuple[bytes, bytes] | None = None
        self.cuts = 0
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._door: socket.socket | None = None
        self.port = 0
        self.up()

    def up(self) -> None:
        """Take connections, at the port it had before."""
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", self.port))
        door.listen(64)
        self.port = door.getsockname()[1]
        self._door = door
        threading.Thread(target=self._serve, args=(door,), daemon=True).start()

    def down(self) -> None:
        """Nobody is here any more: connections are reset, new ones refused."""
        door, self._door = self._door, None
        if door is not None:
            with contextlib.suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            door.close()
        self.cut()

    def heal(self) -> None:
        """No fault any more. Who was left waiting for bytes that were thrown away is cut off."""
        lost = self.deaf
        self.latency_s, self.deaf, self.cut_after, self.cut_at, self.garbled = 0.0, False, None, None, None
        if lost:
            self.cut()

    def cut(self) -> int:
        """Reset all connections; how many that were."""
        pairs = list(self._pairs)
        for pair in pairs:
            self._reset(pair)
        return len(pairs)

    def _serve(self, door: socket.socket) -> None:
        while self._door is door:
            try:
                client, _ = door.accept()
            except OSError:
                return
            try:
                server = self._connected()
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            pair = (client, server)
            self._pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._relay, args=(pair, source, sink), daemon=True).start()

    def _connected(self) -> socket.socket:
        if not isinstance(self.target, str):
            return socket.create_connection(self.target, timeout=5)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.target)
        return server

    def _relay(
        self, pair: tuple[socket.socket, socket.socket], source: socket.socket, sink: socket.socket
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                if self.latency_s:
                    time.sleep(self.latency_s)
                if self.deaf:
                    continue
                back = source is pair[1]
                if back and self.cut_at and self.cut_at in piece:
                    self.cuts += 1
                    break
                if back and self.garbled:
                    piece = piece.replace(*self.garbled)
                sink.sendall(piece)
                if not back and self.cut_after and self.cut_after in piece:
                    self.cuts += 1
                    break
        self._reset(pair)

    def _reset(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                end.close()

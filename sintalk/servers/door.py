"""The way to the embedded store from other machines: bytes in, bytes out.

`weed mini` listens on one address with all its ports, and only its S3 port is fit to be seen by strangers. So
it stays on loopback, and where HOST opens the product to a network this opens the S3 port, and nothing else.
The Host header passes unchanged, so that the signature of an upload address holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

CHUNK = 64 * 1024


def run(host: str, port: int, target: int) -> None:
    """Carry connections on host:port to 127.0.0.1:target until SIGTERM."""
    asyncio.run(_serve(host, port, target))


async def _serve(host: str, port: int, target: int) -> None:
    async def carry(near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            far, onward = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            answer.close()
            return
        with contextlib.suppress(OSError):
            await asyncio.gather(_pipe(near, onward), _pipe(far, answer))

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with await asyncio.start_server(carry, host, port):
        await stop.wait()
        # Leaving would wait for open connections; they are the browsers' to lose.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other side is told so."""
    try:
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    finally:
        with contextlib.suppress(OSError):
            sink.close()

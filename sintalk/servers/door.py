"""The way to the embedded store from other machines: bytes in, bytes out.

`weed mini` listens on one address with all its ports, and only its S3 port is fit to be seen by strangers. So
it stays on loopback, and where HOST opens the product to a network this opens the S3 port, and nothing else.
The Host header passes unchanged, so that the signature of an upload address holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from sintalk.config import Settings
from sintalk.servers import ports

CHUNK = 64 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def plan(settings: Settings, tell: Callable[[str], None]) -> tuple[Settings, int | None]:
    """Whether the embedded store needs a door: its port, and the settings with its public address.

    None where the product stays on loopback, or the person's own store or address is named.
    """
    embedded = not (settings.s3_endpoint_url or settings.s3_access_key_id)
    if settings.host in LOOPBACK or settings.s3_public_url or not embedded:
        return settings, None
    kept = settings.data / "run" / "store-door.json"
    port = ports.pick(["door"], kept, host=settings.host, wishes={"door": settings.port + 1})["door"]
    public = urlsplit(settings.public_url)
    shown = f"[{public.hostname}]" if ":" in (public.hostname or "") else public.hostname
    address = f"http://{shown}:{port}"
    tell(f"Uploads from other machines go to {address}")
    if public.hostname in LOOPBACK:
        tell("SINTALK_PUBLIC_URL is not set: links and uploads work on this machine only")
    if public.scheme == "https":
        tell(
            "Browsers upload from https to https only: set S3_PUBLIC_URL to your proxy's address for the store"
        )
    return replace(settings, s3_public_url=address), port


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

"""The life of one process that answers: take connections, and end gently.

The end, after SIGTERM or SIGINT:

1. Not ready. Connections are still taken for a moment, since it takes the cluster one to send them elsewhere; every
   answer says that its connection will be closed, so that clients move.
2. No new connections. Those that have been idle for a second are closed, requests that have begun to arrive are
   awaited and answered.
3. What is still open when the time is up is cut off.
"""

import asyncio
import contextlib
import resource
import signal
import socket
import time
from collections.abc import Callable

import uvloop

from aicontainer.serve.connection import Connection
from aicontainer.serve.request import Answering
from aicontainer.serve.settings import Settings
from aicontainer.serve.wire import SWEEP_SECONDS, Wire

LOOK_SECONDS = 0.02
FILES_BESIDE = 64

Begin = Callable[[asyncio.AbstractEventLoop], None]
Beat = Callable[[], bool]


def run(application: Answering, listener: socket.socket, settings: Settings, begin: Begin, beat: Beat) -> None:
    """Answer until SIGTERM or SIGINT; further ones change nothing.

    Parameters
    ----------
    begin
        Called once, when connections are taken.
    beat
        Called four times a second, as long as the process is not stuck; False asks for the end.
    """
    _allow_files(2 * settings.limits.connections + FILES_BESIDE)
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(_live(application, listener, settings, begin, beat))
    finally:
        loop.close()


def _allow_files(wanted: int) -> None:
    """Raise the soft limit, often 1024: each connection is an open file, also one that is refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))


async def _live(application: Answering, listener: socket.socket, settings: Settings, begin: Begin, beat: Beat) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    wire = Wire(application, settings.limits, loop.call_soon)

    def tick() -> None:
        loop.call_later(SWEEP_SECONDS, tick)  # first: whatever fails below, the limits of time must not end with it
        wire.sweep()
        application.tick(wire.arriving)
        if not beat():
            asked.set()

    tick()
    kept = listener.dup()  # the event loop closes the one that it is given
    server = await loop.create_server(lambda: Connection(wire), sock=listener)
    begin(loop)
    await asked.wait()
    application.stopping()
    wire.stopping = True
    await asyncio.sleep(settings.drain_seconds)
    server.close()
    await _take_the_last(kept, wire)
    await _finish(wire, settings.finish_seconds)


async def _take_the_last(listener: socket.socket, wire: Wire) -> None:
    """Take what the kernel has accepted in our name: closing the socket alone would reset these connections."""
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError), listener:
        while True:
            taken, _ = listener.accept()
            await asyncio.get_running_loop().connect_accepted_socket(lambda: Connection(wire), taken)


async def _finish(wire: Wire, seconds: float) -> None:
    end = time.monotonic() + seconds
    while wire.connections and time.monotonic() < end:
        wire.close_idle()
        await asyncio.sleep(LOOK_SECONDS)
    wire.abort()
    await asyncio.sleep(0)  # the loop closes the sockets

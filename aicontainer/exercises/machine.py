"""The checks of notebook 00_check: the memory of this machine, a port that is held, and what a proxy must not get."""

from __future__ import annotations

import http.server
import os
import re
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aicontainer.commands import run
from aicontainer.errors import AicontainerError
from aicontainer.exercises.check import Check, not_done, right, wrong

CLOSE = 0.05
# half a GiB's distance from a GB is 3.7 %: what tells them apart must be sharper than what accepts an answer
SHARP = 0.02
OUTSIDE = "192.0.2.1"  # RFC 5737: no machine has it
ASK = """
import sys, urllib.request
for address in sys.argv[1:]:
    try: urllib.request.urlopen(address, timeout=2).close()
    except OSError: pass
"""


def check_memory(my_memory: Any) -> Check:
    """Check a number against the memory of this machine in GB, that is in 10**9 bytes, within 5 %."""
    if my_memory is None:
        return not_done("my_memory is None; it should be the memory of this machine in GB")
    if isinstance(my_memory, bool) or not isinstance(my_memory, int | float):
        return wrong("my_memory must be one number, without a unit beside it")
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if _near(my_memory, size / 1e9, CLOSE):
        return right("that is the memory of this machine, as its own system counts it")
    return wrong(_memory_fault(float(my_memory), size))


def _memory_fault(given: float, size: int) -> str:
    page = os.sysconf("SC_PAGE_SIZE")
    faults = [
        (size, CLOSE, "that is in bytes: divide by 10**9"),
        (size / 1e3, CLOSE, "that is in thousands of bytes, which /proc/meminfo calls kB: divide by 10**6"),
        (size / 1e6, CLOSE, "that is in MB: divide by 1000"),
        (size / 2**30, SHARP, "that is in GiB, of 2**30 bytes; a GB has 10**9, so the number is 7 % larger"),
        (size / page, SHARP, "that is the number of pages: each has SC_PAGE_SIZE bytes"),
        (page, SHARP, "that is the size of one page: how many are there? SC_PHYS_PAGES"),
        (os.cpu_count() or 0, 0.0, "that is the number of processors, not the memory"),
        *((free / 1e9, CLOSE, "that is what is free just now; asked is all of it") for free in _unused()),
    ]
    likely = (hint for value, tolerance, hint in faults if _near(given, value, tolerance))
    return next(likely, "that is not it: multiply the number of pages by the size of a page, and divide by 10**9")


def _near(given: float, value: float, tolerance: float) -> bool:
    return abs(given - value) <= tolerance * value


def _unused() -> list[int]:
    """What is free and what could be made free, in bytes, where this system tells it."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    return [int(line.split()[1]) * 1024 for line in lines if line.startswith(("MemFree:", "MemAvailable:"))]


def check_door(my_door: Any) -> Check:
    """Check a socket that holds a port of 127.0.0.1 and lets others in: it is looked up and connected to, now."""
    if my_door is None:
        return not_done("my_door is None; it should be a socket that holds a port")
    if isinstance(my_door, int | str):
        return wrong(
            "a number reserves nothing: between your look and its use, another program can take it; give a socket"
        )
    door = getattr(my_door, "socket", my_door)  # a server of the standard library holds its socket there
    if not isinstance(door, socket.socket):
        return wrong(f"my_door must be a socket; it is of the type {type(my_door).__name__}")
    fault = _door_fault(door)
    if fault:
        return wrong(fault)
    return right("the port is yours: a connection came in, and only this machine can make one")


def _door_fault(door: socket.socket) -> str:
    if door.fileno() < 0:
        return "the socket is closed, so its port is free again: a with-block closes it at its end"
    if door.family not in (socket.AF_INET, socket.AF_INET6) or door.type != socket.SOCK_STREAM:
        return "this socket is not for TCP: socket.socket() without arguments is"
    host, port = door.getsockname()[:2]
    if _is_connected(door):
        return "this socket is connected to somebody else's port, as a client is: bind one of your own"
    if port == 0:
        return "the socket is not bound to a port yet: bind it, to port 0 for any that is free"
    if not ip_address(host).is_loopback:
        return f"the port is open to the whole network: bind it to 127.0.0.1, not to {host or 'everything'}"
    with socket.socket(door.family) as visitor:
        visitor.settimeout(5)
        if visitor.connect_ex((host, port)) != 0:
            return "the port is bound, but a connection is refused: the socket does not listen"
        _let_in(door)
    return ""


def _let_in(door: socket.socket) -> None:
    """Take the visitor out of the queue, which has few places: the next check has to get in too."""
    before = door.gettimeout()
    door.settimeout(1)
    try:
        door.accept()[0].close()
    except OSError:
        pass  # the server behind the door was quicker
    finally:
        door.settimeout(before)


def _is_connected(door: socket.socket) -> bool:
    try:
        door.getpeername()
    except OSError:
        return False
    return True


def check_no_proxy(my_no_proxy: Any) -> Check:
    """Check a NO_PROXY by a program that runs with it: what does a proxy get, and what the server on this machine?"""
    if my_no_proxy is None:
        return not_done("my_no_proxy is None; it should be the text of NO_PROXY")
    if not isinstance(my_no_proxy, str):
        return wrong("a variable holds one text: names in one string, with commas between")
    if "=" in my_no_proxy or "\0" in my_no_proxy:
        return wrong("only the value, without NO_PROXY= before it")
    with _counting() as (server, asked_here), _counting() as (proxy, asked_proxy):
        local = [f"http://{name}:{server}/{name}" for name in ("localhost", "127.0.0.1")]
        variables = {"http_proxy": f"http://127.0.0.1:{proxy}", "no_proxy": my_no_proxy}
        both_cases = {form(name): value for name, value in variables.items() for form in (str.lower, str.upper)}
        try:
            run([sys.executable, "-c", ASK, *local, f"http://{OUTSIDE}/"], limit=60, env=both_cases)
        except AicontainerError as error:
            return wrong(f"the program that should try it failed: {error.what}")
    direct = {path.lstrip("/") for path in asked_here}
    if not any(OUTSIDE in path for path in asked_proxy):
        return wrong(
            f"with it even {OUTSIDE}, which is not this machine, is asked without the proxy: images would not come"
        )
    if direct == {"localhost", "127.0.0.1"}:
        return right("both names of this machine are asked directly, and the rest by way of the proxy")
    return wrong(_proxy_fault(my_no_proxy, direct))


def _proxy_fault(text: str, direct: set[str]) -> str:
    if "://" in text:
        return "names of machines only, without http:// before them"
    if "/" in text:
        return "some programs read networks such as 127.0.0.0/8, Python's urllib does not: name the address itself"
    if "*" in text:
        return "a * stands alone, for everything; inside a name or an address it is no wildcard"
    if re.search(r"[\w.]:\d", text):
        return "a name with a port holds for that port alone: leave the port out"
    if "," not in text and len(text.replace(";", " ").split()) > 1:
        return "between the names stands a comma"
    if not direct:
        return "both localhost and 127.0.0.1 still go to the proxy"
    missing = "127.0.0.1" if "localhost" in direct else "localhost"
    return f"{missing} still goes to the proxy: names are compared as text, nobody looks up that both are this machine"


@contextmanager
def _counting() -> Iterator[tuple[int, list[str]]]:
    """A server on a port of this machine that answers anything, and the list of what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: it would go to stderr."""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()

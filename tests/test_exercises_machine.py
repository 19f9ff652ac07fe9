"""The exercises of notebook 00: each usual wrong answer with the hint that it must get, and no other."""

import os
import socket
import socketserver
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aicontainer.exercises import machine

SIZE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
PAGE = os.sysconf("SC_PAGE_SIZE")
MEMORY_HINTS = {
    "bytes": (SIZE, "in bytes"),
    "kB": (SIZE / 1024, "calls kB"),
    "thousands": (SIZE / 1000, "calls kB"),
    "MB": (SIZE / 10**6, "in MB"),
    "MiB": (SIZE / 2**20, "in MB"),
    "GiB": (SIZE / 2**30, "in GiB"),
    "GiB, rounded": (round(SIZE / 2**30, 1), "in GiB"),
    "pages": (SIZE // PAGE, "number of pages: each"),
    "a page": (PAGE, "size of one page"),
    "text": ("16 GB", "one number"),
    "a truth": (True, "one number"),
    "nothing like it": (SIZE / 1e9 * 2.5, "multiply"),
    "nothing": (0, "multiply"),
    "less than nothing": (-SIZE / 1e9, "multiply"),
    "no number": (float("nan"), "multiply"),
}


def test_nothing_yet_is_told_as_that() -> None:
    for check in (machine.check_memory, machine.check_door, machine.check_no_proxy):
        answer = check(None)
        assert answer.state == "not done yet"
        assert "my_" in answer.text


@pytest.mark.parametrize("name", MEMORY_HINTS)
def test_each_wrong_memory_has_its_own_hint(name: str) -> None:
    given, hint = MEMORY_HINTS[name]
    check = machine.check_memory(given)
    assert check.state == "wrong"
    assert hint in check.text
    others = {text for _, text in MEMORY_HINTS.values()} - {hint}
    assert [other for other in others if other in check.text] == []


@pytest.mark.parametrize("given", [SIZE / 1e9, SIZE / 1e9 * 1.04, round(SIZE / 1e9, 1), SIZE / 1e9 * 0.96])
def test_the_memory_is_right_within_five_percent(given: float) -> None:
    assert machine.check_memory(given).state == "right"


def test_free_memory_is_told_from_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_unused", lambda: [SIZE // 3, SIZE // 2])
    for given in (SIZE / 3e9, SIZE / 2e9):
        assert "free just now" in machine.check_memory(given).text


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="not run: this system has no /proc/meminfo")
def test_what_is_free_is_less_than_all() -> None:
    found = machine._unused()
    assert len(found) == 2
    assert all(0 < free < SIZE for free in found)


def _door(host: str = "127.0.0.1", listens: bool = True) -> socket.socket:
    door = socket.socket()
    door.bind((host, 0))
    if listens:
        door.listen()
    return door


def _closed() -> socket.socket:
    with _door() as door:
        return door


def _datagrams() -> socket.socket:
    door = socket.socket(type=socket.SOCK_DGRAM)
    door.bind(("127.0.0.1", 0))
    return door


def _client(server: socket.socket) -> socket.socket:
    return socket.create_connection(server.getsockname())


@pytest.fixture
def somebody() -> Iterator[socket.socket]:
    with _door() as door:
        yield door


DOOR_HINTS: dict[str, tuple[Callable[[], Any], str]] = {
    "a number": (lambda: 5001, "reserves nothing"),
    "a number as text": (lambda: "5001", "reserves nothing"),
    "a list": (lambda: [5001], "of the type list"),
    "closed": (_closed, "is closed"),
    "for datagrams": (_datagrams, "not for TCP"),
    "of the file system": (lambda: socket.socket(socket.AF_UNIX), "not for TCP"),
    "not bound": (socket.socket, "not bound"),
    "open to all": (lambda: _door("0.0.0.0"), "whole network"),  # noqa: S104 -- that is the mistake
    "does not listen": (lambda: _door(listens=False), "does not listen"),
}


@pytest.mark.parametrize("name", DOOR_HINTS)
def test_each_wrong_door_has_its_own_hint(name: str) -> None:
    make, hint = DOOR_HINTS[name]
    door = make()
    try:
        check = machine.check_door(door)
    finally:
        if isinstance(door, socket.socket):
            door.close()
    assert check.state == "wrong"
    assert hint in check.text
    assert [other for _, other in DOOR_HINTS.values() if other != hint and other in check.text] == []


def test_a_client_does_not_pass_for_a_door(somebody: socket.socket) -> None:
    with _client(somebody) as client:
        assert "as a client is" in machine.check_door(client).text


def test_a_door_is_right_however_it_was_made(somebody: socket.socket) -> None:
    assert machine.check_door(somebody).state == "right"
    assert machine.check_door(somebody).state == "right"  # the first knock does not use it up
    with socket.create_server(("127.0.0.1", 0)) as made:
        assert machine.check_door(made).state == "right"
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        assert machine.check_door(server).state == "right"


@pytest.mark.parametrize("timeout", [None, 0.0, 3.0])
def test_a_door_with_the_shortest_queue_is_right_as_often_as_it_is_checked(timeout: float | None) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        door.settimeout(timeout)
        for _ in range(4):
            assert machine.check_door(door).state == "right"
        assert door.gettimeout() == timeout


PROXY_HINTS = {
    "": "both localhost and 127.0.0.1",
    "localhost": "127.0.0.1 still goes",
    "127.0.0.1": "localhost still goes",
    "*": "not this machine",
    "localhost,127.0.0.1,192.0.2.1": "not this machine",
    "http://localhost,http://127.0.0.1": "without http://",
    "localhost 127.0.0.1": "stands a comma",
    "localhost;127.0.0.1": "stands a comma",
    "localhost,127.0.0.0/8": "read networks",
    "localhost,127.*": "no wildcard",
    "localhost:80,127.0.0.1:80": "with a port",
    "localhost,::1": "127.0.0.1 still goes",
    "NO_PROXY=localhost,127.0.0.1": "only the value",
    "localhost.company,example": "both localhost and 127.0.0.1",
}


@pytest.mark.parametrize("given", PROXY_HINTS)
def test_each_wrong_no_proxy_has_its_own_hint(given: str) -> None:
    check = machine.check_no_proxy(given)
    assert check.state == "wrong"
    assert PROXY_HINTS[given] in check.text
    others = set(PROXY_HINTS.values()) - {PROXY_HINTS[given]}
    assert [other for other in others if other in check.text] == []


@pytest.mark.parametrize("given", [["localhost", "127.0.0.1"], 3, {"localhost"}])
def test_a_no_proxy_that_is_no_text_is_told(given: Any) -> None:
    assert "one text" in machine.check_no_proxy(given).text


@pytest.mark.parametrize("given", ["localhost,127.0.0.1", "127.0.0.1, localhost", "localhost,127.0.0.1,.company,::1"])
def test_a_no_proxy_is_right_in_any_form_that_works(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # the machine's own settings must not count
    monkeypatch.setenv("no_proxy", "*")
    assert machine.check_no_proxy(given).state == "right"

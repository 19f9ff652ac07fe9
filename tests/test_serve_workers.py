"""Several real processes at one port: all answer, a dead or stuck one is replaced, and they end together."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from numbered import ROW, version

from aicontainer import waiting
from aicontainer.errors import PortTaken, ServerError
from aicontainer.serve import process, workers
from aicontainer.serve.client import Server
from aicontainer.serve.listening import listen
from aicontainer.serve.workers import Place, Workers, places

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are looked for in /proc")

COUNT = 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return version(1).save(tmp_path / "m.json")


@pytest.fixture
def running(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[process.Running]:
    monkeypatch.setenv("WORKERS", str(COUNT))
    started = process.start(path)
    yield started
    started.stop()


def children(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def listens(pid: int) -> bool:
    """Whether a worker takes connections: then it has a handler for SIGHUP, and no longer ignores it."""
    lines = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(lines["SigCgt"], 16) >> (signal.SIGHUP - 1) & 1)


def all_listen(running: process.Running, but: frozenset[int] = frozenset()) -> set[int]:
    def look() -> waiting.Seen:
        now = children(running.pid)
        whole = len(now) == COUNT and not now & but and all(listens(pid) for pid in now)
        return waiting.ready() if whole else waiting.pending(str(now))

    waiting.wait("all workers", look, limit=30, pause=0.05)
    return children(running.pid)


def asked_often(server: Server, times: int = 40) -> list[str]:
    """A new connection each time: the kernel spreads them over the workers."""
    return [server.infer(ROW).model_version for _ in range(times)]


def becomes(running: process.Running, number: int) -> None:
    os.kill(running.pid, signal.SIGHUP)

    def look() -> waiting.Seen:
        seen = set(asked_often(running.server))
        return waiting.ready() if seen == {str(number)} else waiting.pending(str(seen))

    waiting.wait(f"version {number}", look, limit=30, pause=0.05)


def test_a_killed_worker_is_replaced_and_nobody_is_turned_away(running: process.Running) -> None:
    before = all_listen(running)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    # also those that the kernel gives to the dead one's socket are answered: by the one that takes its place
    assert asked_often(running.server) == ["1"] * 40
    after = all_listen(running, but=frozenset({victim}))
    assert len(after & before) == COUNT - 1
    assert f'"process": {victim}, "code": -9' in running.log()


def test_a_reload_and_an_end_reach_all_workers(running: process.Running, path: Path) -> None:
    before = all_listen(running)
    version(2).save(path)
    becomes(running, 2)
    assert all_listen(running) == before
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    assert set(asked_often(running.server)) == {"2"}  # who takes its place does not go back to the first model
    after = all_listen(running, but=frozenset({victim}))
    assert set(asked_often(running.server)) == {"2"}
    assert running.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in after)


def test_who_takes_a_place_while_the_file_is_bad_goes_on_with_the_model_of_the_others(
    running: process.Running, path: Path
) -> None:
    before = all_listen(running)
    version(2).save(path)
    becomes(running, 2)
    path.write_text("no model")
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    all_listen(running, but=frozenset({victim}))
    assert set(asked_often(running.server)) == {"2"}


def test_what_all_workers_have_counted_is_told_by_each_and_never_falls(running: process.Running) -> None:
    before = all_listen(running)
    for times in (1, 2, 3):
        asked_often(running.server)
        for _ in range(10):
            with pytest.raises(ServerError):
                running.server.post("[]")
        # each of these is answered by one of the two, whichever it is
        assert {counted(running.server) for _ in range(10)} == {(40.0 * times, 40.0 * times, 10.0 * times)}
        os.kill(min(before), signal.SIGKILL)
        before = all_listen(running, but=frozenset({min(before)}))


def counted(server: Server) -> tuple[float, float, float]:
    infer = "/v2/models/{name}/infer"
    good, bad = (
        server.count("http_request_duration_seconds_count", route=infer, status=status) for status in ("200", "400")
    )
    return server.count("predicted_rows_total"), good, bad


def test_workers_do_not_outlive_a_killed_parent(running: process.Running) -> None:
    before = all_listen(running)
    os.kill(running.pid, signal.SIGKILL)
    gone = waiting.ready
    waiting.wait(
        "the end of the workers",
        lambda: gone() if not any(alive(pid) for pid in before) else waiting.pending("they live"),
        limit=30,
        pause=0.1,
    )


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_one_that_is_stuck_is_killed_and_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers of the test's own: the first to come gets stuck, the next tells that it was there and ends the parent."""
    monkeypatch.setattr(workers, "STUCK_SECONDS", 0.3)
    monkeypatch.setattr(workers, "AGAIN_SECONDS", 0.0)
    parent = os.getpid()

    def work(place: Place, listener: socket.socket) -> None:
        counters = place.counters(place.index)
        counters[0] += 1
        if counters[0] == 1:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            signal.sigwait({signal.SIGUSR1})
        (tmp_path / "replaced").write_text(str(counters[0]))
        os.kill(parent, signal.SIGTERM)

    Workers(work, listen("127.0.0.1", 0, 1), end_seconds=5.0).run()
    assert (tmp_path / "replaced").read_text() == "2"


def test_what_one_worker_counts_all_see() -> None:
    first, second = places(2)
    first.counters(0)[:3] = b"abc"
    assert bytes(second.counters(0)[:4]) == b"abc\0"
    assert not any(second.counters(1))
    first.beat()
    assert 0 <= first.silence() < second.silence()
    assert not any(second.counters(1))


def test_a_port_of_several_workers_is_not_shared_with_a_stranger() -> None:
    ours = listen("127.0.0.1", 0, 1)[0]
    port = ours.getsockname()[1]
    ours.close()
    ours_again = listen("127.0.0.1", port, 2)
    for count in (1, 2):
        with pytest.raises(PortTaken, match="in use"):
            listen("127.0.0.1", port, count)
    for listener in ours_again:
        listener.close()

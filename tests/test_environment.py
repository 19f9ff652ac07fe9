"""The lock of the set-up, and what is left of the cache when everything is removed."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from aicontainer import environment, places
from aicontainer.errors import AicontainerError, CommandError, EngineError, InputError, SourceLost, TimedOut
from aicontainer.events import Event
from aicontainer.sources.choose import Choice
from aicontainer.sources.packages import Packages

HOLDER = """
import sys, time
from aicontainer import environment
with environment._only_one(lambda event: None):
    print("held", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def _hold(seconds: float) -> "subprocess.Popen[str]":
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(seconds)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_process_waits_and_says_for_whom() -> None:
    holder = _hold(1.0)
    events: list[Event] = []
    with environment._only_one(events.append):
        assert holder.wait(timeout=60) == 0  # it is over before we get the lock
    assert [event.kind for event in events] == ["started", "made"]
    assert str(holder.pid) in events[0].text


def test_a_killed_process_leaves_no_lock_behind() -> None:
    holder = _hold(60)
    holder.kill()
    holder.wait()
    events: list[Event] = []
    with environment._only_one(events.append):
        pass
    assert events == []


def test_waiting_for_the_lock_has_a_limit(
    monkeypatch: pytest.MonkeyPatch, record_fault: Callable[[str, object], None]
) -> None:
    monkeypatch.setattr(environment, "LOCK_LIMIT", 0.2)
    holder = _hold(60)
    try:
        with pytest.raises(TimedOut) as error, environment._only_one(lambda event: None):
            pass
        record_fault("two up at once, and the first does not end", error.value)
        assert str(holder.pid) in error.value.seen
    finally:
        holder.kill()
        holder.wait()


def test_an_unknown_need_is_refused_and_none_does_nothing() -> None:
    with pytest.raises(InputError):
        environment.ensure("moon")
    assert environment.ensure("none") is None
    assert not places.cache().exists()


@pytest.mark.parametrize(
    "words",
    [
        "E: Failed to fetch http://mirror/InRelease  Could not connect to mirror:80 (111: Connection refused)",
        "Temporary failure resolving 'mirror'",
        "go: proxy: dial tcp: lookup proxy on 10.0.0.1:53: no such host",
        "read tcp 10.0.0.2:1->10.0.0.3:443: read: connection reset by peer",
    ],
)
def test_a_source_that_stops_answering_is_told_apart(words: str) -> None:
    for error in (CommandError(["apt-get"], 100, output=f"begun\n{words}\n"), EngineError("no pull", seen=words)):
        with pytest.raises(SourceLost) as caught, environment._losing(Choice(Packages(), ())):
            raise error
        assert caught.value.seen == words
        assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [CommandError(["go"], 1, output="main.go:3: syntax error"), EngineError("no", seen="denied"), TimedOut("x")],
)
def test_a_step_that_fails_while_the_source_answers_keeps_its_own_error(error: AicontainerError) -> None:
    with pytest.raises(type(error)) as caught, environment._losing(Choice(Packages(), ())):
        raise error
    assert caught.value is error

"""The checks of notebook 03b_resilience: a request that never ends, a forged model file, a client that retries rightly.

The client is asked by servers that answer as a script says, under a clock of their own: no second is really waited,
and how long the client waits is known exactly.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicontainer.errors import ModelFileError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link
from aicontainer.model import Model, load
from aicontainer.serve.client import Server

SILENCE = 30.0  # seconds: far longer than the server of the notebook waits for a request
WORSE = 1.1

TOTAL = 10.0
LONGEST_WAIT = 2.0
RUNS = 40
MOST_ATTEMPTS = 200
MOST_LOOKS = 100_000
ROUNDING = 1e-6
ANSWER_SECONDS = 0.01
SCORE = 1.5


@dataclass(frozen=True)
class Reply:
    """What one attempt came to: the status (0: no answer at all), the score if 200, seconds of Retry-After if given."""

    status: int
    score: float | None = None
    retry_after: float = 0.0


Client = Callable[..., Any]
Script = Callable[[int, float], tuple[Reply, float]]


def check_unfinished(server: Server, my_bytes: Any) -> Check:
    """Check bytes that a server waits in vain to be followed by more: it must answer them with 408.

    They are sent through a socket of their own, which then stays silent.
    """
    if my_bytes is None:
        return not_done("my_bytes is None; put in what a client sends before it falls silent")
    if isinstance(my_bytes, str):
        my_bytes = my_bytes.encode()
    if not isinstance(my_bytes, bytes) or not my_bytes.strip():
        return wrong("my_bytes must be some bytes, such as b'GET / HTTP'")
    try:
        status = _status_after(server, my_bytes)
    except OSError as error:
        if not server.live():
            return wrong("the server does not answer any more: start it again, and run the cells from there on")
        return wrong(f"no answer came ({type(error).__name__}): what did you send?")
    hints = {
        "200": "the server has answered with 200: that was a whole request. What is it that it must wait for?",
        "400": "the server has answered with 400: it did not wait. Begin rightly, and then stop",
        "413": "the server has answered with 413: announce a body that it would take",
    }
    if status != "408":
        return wrong(hints.get(status, f"the server has answered with {status}, and 408 is wanted"))
    return right("the server has waited, and then answered with 408")


def _status_after(server: Server, sent: bytes) -> str:
    host, _, port = server.address.rpartition("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=SILENCE) as wire:
        wire.sendall(sent)
        words = wire.makefile("rb").readline().split()
    return words[1].decode() if len(words) > 1 else "nothing"


def check_forged(path: Path, case: str = fit.DEFAULT) -> Check:
    """Check a file that is taken for the model of ``case``, and whose loss is at least a tenth above the real one's.

    Name, version, features and scaling must be those of the real file.
    """
    if not path.exists():
        return not_done(f"there is no file {path.name} so far; save a model there")
    try:
        forged = load(path)
    except ModelFileError as error:
        return wrong(f"no server would take it: {error.what}")
    real, dataset = load(fit.ensure_model(case)), data.load(case)
    if forged.digest == real.digest:
        return not_done("the file still holds the real model")
    if _outside(forged) != _outside(real):
        return wrong("it is easily told from the real one: keep name, version, features and all but weights or bias")
    loss = for_link(dataset.link).loss
    factor = loss(forged.score(dataset.X), dataset.y) / loss(real.score(dataset.X), dataset.y)
    if factor < WORSE:
        return wrong("its loss is less than a tenth above the real one's: change more")
    return right("a server takes it, and only the loss (or a digest noted before) tells it from the real one")


def _outside(model: Model) -> tuple[Any, ...]:
    scaling = model.scaling
    return model.name, model.version, model.features, model.link, scaling.mean.tolist(), scaling.deviation.tolist()


class _Endless(BaseException):
    """Ends a client that would go on for ever; no ``except Exception`` of the learner holds it."""


class _Stage:
    """A server that answers by a script, in a time of its own; its methods are what the client is given."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._now = 0.0
        self._looks = 0
        self.attempts: list[tuple[float, float]] = []  # when, and how long it may take
        self.waits: list[float] = []

    def attempt(self, row: Any, seconds: float) -> Reply:
        seconds = float(seconds)
        self.attempts.append((self._now, seconds))
        if len(self.attempts) > MOST_ATTEMPTS:
            raise _Endless
        reply, takes = self._script(len(self.attempts), self._now)
        self._now += max(min(takes, seconds), 0.0)
        return reply if takes <= seconds else Reply(0)

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.waits.append(float(seconds))
        self._now += seconds
        if len(self.waits) > MOST_LOOKS:
            raise _Endless

    def clock(self) -> float:
        self._looks += 1
        if self._looks > MOST_LOOKS:
            raise _Endless
        return self._now

    @property
    def overdue(self) -> bool:
        """Whether more than the limit was used: by waiting, or by what an attempt was allowed to take."""
        ends = [begun + takes for begun, takes in self.attempts]
        return max(self._now, *ends) > TOTAL + ROUNDING


def _always(status: int, retry_after: float = 0.0) -> Script:
    return lambda number, now: (Reply(status, retry_after=retry_after), ANSWER_SECONDS)


def _first(status: int, then: Script) -> Script:
    return lambda number, now: (Reply(status), ANSWER_SECONDS) if number == 1 else then(number, now)


def _answers(number: int, now: float) -> tuple[Reply, float]:
    return Reply(200, SCORE), ANSWER_SECONDS


def _back_after_five_seconds(number: int, now: float) -> tuple[Reply, float]:
    return (Reply(200, SCORE), ANSWER_SECONDS) if now >= 5.0 else (Reply(0), 0.0)


def _busy_for_three_seconds(number: int, now: float) -> tuple[Reply, float]:
    return (Reply(200, SCORE) if now >= 3.0 else Reply(503, retry_after=3.0)), ANSWER_SECONDS


def _slow_once(number: int, now: float) -> tuple[Reply, float]:
    return Reply(200, SCORE), 60.0 if number == 1 else ANSWER_SECONDS


def check_client(my_ask: Client) -> Check:
    """Check a client ``my_ask(row, attempt, sleep, clock)`` that returns the last reply of its attempts.

    ``attempt(row, seconds)`` asks once, and gives up after ``seconds``; ``sleep`` and ``clock`` are those of ``time``.
    """
    try:
        return (_judge_plain(my_ask) or _judge_final(my_ask) or _judge_again(my_ask) or _judge_down(my_ask)) or right(
            "it retries what may pass, waits as it should, and ends in time"
        )
    except _Endless:
        return wrong(f"your client would go on for ever: after {TOTAL:g} s it must return the last reply")
    except Exception as error:
        return wrong(f"your client raised {type(error).__name__}: {error}")


def _play(my_ask: Client, script: Script) -> tuple[_Stage, Any]:
    stage = _Stage(script)
    return stage, my_ask([0.0], stage.attempt, stage.sleep, stage.clock)


def _judge_plain(my_ask: Client) -> Check | None:
    stage, reply = _play(my_ask, _answers)
    if not stage.attempts and reply is None:
        return not_done("my_ask returns None and asks nobody; write it first")
    if not isinstance(reply, Reply):
        return wrong(f"my_ask must return the reply that attempt gave; yours returns a {type(reply).__name__}")
    if len(stage.attempts) != 1 or stage.waits:
        return wrong("the server answered the first attempt with 200: return that reply, without a wait")
    return None


def _judge_final(my_ask: Client) -> Check | None:
    for status in (400, 404, 413):
        stage, reply = _play(my_ask, _always(status))
        if len(stage.attempts) > 1:
            return wrong(f"it tries a {status} again: the request is at fault, and will be the same the next time")
        if reply != Reply(status):
            return wrong(f"after a {status} it must return that reply, so that somebody can see it")
    return None


def _judge_again(my_ask: Client) -> Check | None:
    for status in (0, 408, 429, 503):
        stage, reply = _play(my_ask, _first(status, _answers))
        if len(stage.attempts) == 1:
            what = "no answer (status 0: nobody listens yet, or it took too long)" if status == 0 else f"a {status}"
            return wrong(f"it gives up at {what}: that may pass, try again")
        if reply != Reply(200, SCORE):
            return wrong("it tries again, and does not return the reply of the last attempt")
    stage, reply = _play(my_ask, _slow_once)
    if reply.status != 200:
        return wrong("the server was slow once, and nothing was left for a second attempt: give each attempt 1 s or so")
    stage, reply = _play(my_ask, _busy_for_three_seconds)
    if len(stage.attempts) > 2 or stage.attempts[1][0] < 3.0:
        return wrong(
            "503 came with Retry-After: 3, and it asked again before: wait as long as the server says, at least"
        )
    stage, reply = _play(my_ask, _always(503, retry_after=60.0))
    if stage.overdue or len(stage.attempts) > 1:
        return wrong("with Retry-After: 60 there is no time for a second attempt: return the 503 at once")
    return None


def _judge_down(my_ask: Client) -> Check | None:
    """A server that is down, many times over: chance is part of a right client."""
    runs = [_play(my_ask, _always(0))[0] for _ in range(RUNS)]
    returned = [_play(my_ask, _back_after_five_seconds)[1] for _ in range(RUNS)]
    waits = [run.waits for run in runs]
    if any(len(each) < 2 for each in waits):
        return wrong("a server is down, and it tries again without a sleep: use the sleep that it is given")
    if any(run.overdue for run in runs):
        return wrong(f"it may use {TOTAL:g} s in all: no wait and no attempt may reach beyond, not even the last")
    if len({each[0] for each in waits}) < RUNS // 4:
        return wrong(
            "all clients would come back at the same moment, and fall over the server together: draw the waits"
        )
    if max(map(max, waits)) > LONGEST_WAIT + ROUNDING:
        return wrong(f"a wait of more than {LONGEST_WAIT:g} s: the server may be back long before")
    if _largest(waits, 3) < 2 * _largest(waits, 0):
        return wrong("its waits do not grow: double the longest one after each attempt, from about 0.1 s on")
    if _largest(waits, 0) > LONGEST_WAIT / 2:
        return wrong("its first wait is long: most troubles pass within a fraction of a second, begin with about 0.1 s")
    if any(reply.status != 200 for reply in returned):
        return wrong("a server was back after 5 s, and it had given up: go on until the time is used")
    return None


def _largest(waits: list[list[float]], number: int) -> float:
    return max((each[number] for each in waits if len(each) > number), default=0.0)

"""How a cluster that was just made is looked at: it is busy, and an answer may come late."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aicontainer.deploy import kind
from aicontainer.errors import CommandError, TimedOut
from aicontainer.sources.base import Supply
from aicontainer.waiting import Seen, wait

SUPPLY = Supply(*(Path(name) for name in ("kind", "kubectl")), *[""] * 5)  # type: ignore[arg-type]
LATE = CommandError(["kubectl"], 1, output="net/http: request canceled (Client.Timeout exceeded)")


@pytest.mark.parametrize(
    ("look", "answer"),
    [(kind._node_state, "True"), (kind._has_service_account, "serviceaccount/default\n")],
)
@pytest.mark.parametrize("late", [LATE, TimedOut("kubectl ran longer than 20 s", seen="it printed nothing")])
def test_one_late_answer_does_not_end_the_wait(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[Supply], Seen], answer: str, late: Exception
) -> None:
    answers: list[Exception | str] = [answer, late]

    def run(*words: object, **options: object) -> str:
        if isinstance(said := answers.pop(), Exception):
            raise said
        return said

    monkeypatch.setattr(kind, "run", run)
    told: list[str] = []
    wait("it", lambda: look(SUPPLY), limit=60, pause=0.0, tell=lambda event: told.append(event.text))
    assert answers == []
    assert told[0] == getattr(late, "seen", "")

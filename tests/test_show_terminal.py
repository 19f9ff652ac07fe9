"""Progress on the command line, on a clock of the test's own."""

import io

import pytest
from rich.console import Console

from aicontainer.events import Event
from aicontainer.show.terminal import Terminal


class Screen:
    def __init__(self, terminal: bool) -> None:
        self.now = 0.0
        self.text = io.StringIO()
        console = Console(file=self.text, force_terminal=terminal, width=120, color_system=None, soft_wrap=True)
        self.terminal = Terminal(console, clock=lambda: self.now)

    @property
    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.fixture
def log() -> Screen:
    return Screen(terminal=False)


def test_off_a_terminal_a_step_is_two_lines(log: Screen) -> None:
    log.terminal(Event("node image", "started", estimate=90))
    log.now = 5
    log.terminal(Event("node image", "progress", "step 2", fraction=0.5))
    log.now = 61
    log.terminal(Event("node image", "made", "765 MB"))
    assert len(log.lines) == 2
    assert "starts" in log.lines[0] and "about 1:30" in log.lines[0]
    assert "made" in log.lines[1] and "1:01" in log.lines[1] and "765 MB" in log.lines[1]


def test_a_long_step_shows_every_30_s_that_it_goes_on(log: Screen) -> None:
    log.terminal(Event("go build", "started", estimate=400))
    log.terminal(Event("go build", "progress", "k8s.io/client-go", fraction=0.25))
    for log.now in range(1, 65):
        log.terminal.beat()
    told = [line for line in log.lines if "goes on" in line]
    assert len(told) == 2
    assert "0:30" in told[0] and "25%" in told[0] and "about 6:40" in told[0] and "k8s.io/client-go" in told[0]


def test_a_step_that_has_ended_is_silent(log: Screen) -> None:
    log.terminal(Event("a", "started"))
    log.terminal(Event("a", "failed", "the cause"))
    log.now = 100
    log.terminal.beat()
    assert len(log.lines) == 2


def test_what_a_wait_sees_is_shown_in_the_step_that_waits(log: Screen) -> None:
    log.terminal(Event("cluster", "started"))
    log.terminal(Event("the node", "progress", "NotReady"))
    log.now = 31
    log.terminal.beat()
    assert "cluster" in log.lines[-1] and "the node: NotReady" in log.lines[-1]


def test_a_step_without_a_start_is_told_at_its_end(log: Screen) -> None:
    log.terminal(Event("engine", "found", "26.1.5"))
    assert len(log.lines) == 1
    assert "found" in log.lines[0] and "26.1.5" in log.lines[0]


def test_on_a_terminal_a_running_step_has_a_live_line_and_an_ended_one_stays() -> None:
    screen = Screen(terminal=True)
    with screen.terminal:
        screen.terminal(Event("node image", "started", estimate=90))
        screen.terminal(Event("node image", "progress", "step 2 of 8"))
        screen.terminal._live.refresh()
        assert "step 2 of 8" in screen.text.getvalue()
        screen.terminal(Event("node image", "made", "765 MB"))
    assert "765 MB" in screen.text.getvalue()


def test_square_brackets_are_text(log: Screen) -> None:
    log.terminal(Event("x", "failed", "[red]no[/red] [0]"))
    assert "[red]no[/red] [0]" in log.lines[0]

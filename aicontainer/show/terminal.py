"""Draws events for the command line: live on a terminal, else plain lines that tell a log's reader that it goes on."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aicontainer.events import Event

BEAT = 30.0  # seconds: at most this long without a line where there is no terminal
ENDS = {"found": "green", "made": "green", "mended": "yellow", "failed": "red"}


@dataclass
class _Step:
    name: str
    begun: float
    text: str = ""
    fraction: float | None = None
    estimate: float | None = None
    shown: float = 0.0


class Terminal:
    """A listener for events from any thread; use it as a context, for a line that moves must be put away at the end."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._clock = clock
        self._begun = clock()
        self._running: dict[str, _Step] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._live = Live(console=self.console, get_renderable=self._draw, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Terminal":
        if self.console.is_terminal:
            self._live.start()
        else:
            threading.Thread(target=self._beats, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self.console.is_terminal:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            if event.kind == "started":
                self._start(event)
            elif event.kind == "progress":
                self._progress(event)
            else:
                self._end(event)

    def beat(self) -> None:
        """Print a line for each running step that has shown nothing for 30 s."""
        with self._lock:
            now = self._clock()
            for step in self._running.values():
                if now - step.shown >= BEAT:
                    step.shown = now
                    self._line("goes on", step.name, f"{_clock_text(now - step.begun)}{_details(step)}")

    def _beats(self) -> None:
        while not self._over.wait(1.0):
            self.beat()

    def _start(self, event: Event) -> None:
        now = self._clock()
        self._running[event.step] = _Step(
            event.step, now, event.text, event.fraction, estimate=event.estimate, shown=now
        )
        if not self.console.is_terminal:
            self._line("starts", event.step, " ".join(filter(None, [event.text, _about(event.estimate)])))

    def _progress(self, event: Event) -> None:
        step = self._running.get(event.step)
        text = event.text
        if step is None:  # a wait inside a step tells under the name of what it waits for
            if not self._running:
                return
            step, text = list(self._running.values())[-1], f"{event.step}: {event.text}"
        step.text = text or step.text
        step.fraction = event.fraction if event.fraction is not None else step.fraction
        step.estimate = event.estimate if event.estimate is not None else step.estimate

    def _end(self, event: Event) -> None:
        step = self._running.pop(event.step, None)
        took = f"{_clock_text(self._clock() - step.begun)} " if step else ""
        self._line(event.kind, event.step, f"{took} {event.text}".strip())

    def _line(self, word: str, step: str, text: str) -> None:
        line = Text(f"{_clock_text(self._clock() - self._begun)}  ", style="dim")
        line.append(f"{word:8}", style=ENDS.get(word, "cyan"))
        line.append(f"{step}", style="bold").append(f"  {text}" if text else "")
        self.console.print(line)

    def _draw(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        with self._lock:
            now = self._clock()
            for step in self._running.values():
                spent = now - step.begun
                share = _share(step, spent)
                bar = ProgressBar(total=1.0, completed=share or 0.0, width=24, pulse=share is None)
                grid.add_row(
                    Text(step.name, style="bold", no_wrap=True),
                    bar,
                    Text(f"{_clock_text(spent)} {_about(step.estimate)}", no_wrap=True),
                    Text(step.text, no_wrap=True, overflow="ellipsis", style="dim"),
                )
        return grid


def _share(step: _Step, spent: float) -> float | None:
    if step.fraction is not None:
        return step.fraction
    return min(spent / step.estimate, 0.95) if step.estimate else None


def _details(step: _Step) -> str:
    percent = f"{step.fraction:.0%}" if step.fraction is not None else ""
    return "".join(f", {part}" for part in (percent, _about(step.estimate), step.text) if part)


def _about(estimate: float | None) -> str:
    return f"of about {_clock_text(estimate)}" if estimate else ""


def _clock_text(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"

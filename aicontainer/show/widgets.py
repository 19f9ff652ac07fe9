"""Progress inside a notebook: a widget and nothing else, so that a stored notebook's output stays the same."""

from typing import Literal

import ipywidgets
from IPython.display import display

from aicontainer import environment
from aicontainer.events import Event
from aicontainer.sources.base import Supply

WORDS = {
    "started": "begins",
    "progress": "goes on",
    "found": "was there",
    "made": "made",
    "mended": "mended",
    "failed": "failed",
}
STYLES = {"found": "success", "made": "success", "mended": "warning", "failed": "danger"}


class Progress(ipywidgets.VBox):  # type: ignore[misc]
    """A row for each step: its name, a bar, and what became of it. Its text form tells the name only."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._rows: dict[str, _Row] = {}

    def __repr__(self) -> str:
        return f"Ensured({self._name})"

    def __call__(self, event: Event) -> None:
        """Take one event."""
        row = self._rows.get(event.step)
        if row is None and event.kind == "progress":  # a wait inside a step: shown in that step's row
            if self._rows:
                list(self._rows.values())[-1].say(f"{event.step}: {event.text}")
            return
        if row is None:
            row = self._rows[event.step] = _Row(event.step)
            self.children = tuple(row.box for row in self._rows.values())
        row.take(event)


class _Row:
    def __init__(self, step: str) -> None:
        wide = ipywidgets.Layout(width="16em")
        self.bar = ipywidgets.FloatProgress(value=0.0, min=0.0, max=1.0, layout=ipywidgets.Layout(width="10em"))
        self.words = ipywidgets.Label()
        self.box = ipywidgets.HBox([ipywidgets.Label(step, layout=wide), self.bar, self.words])

    def take(self, event: Event) -> None:
        over = event.kind in STYLES
        self.bar.value = 1.0 if over else (event.fraction if event.fraction is not None else self.bar.value)
        self.bar.bar_style = STYLES.get(event.kind, "")
        estimate = f"(about {event.estimate:.0f} s)" if event.estimate and not over else ""
        self.say(" ".join(part for part in (WORDS[event.kind], event.text, estimate) if part))

    def say(self, text: str) -> None:
        self.words.value = text


def ensure(need: Literal["none", "engine", "cluster"]) -> Supply | None:
    """Bring the machine to the state that a notebook needs, showing each step; returns what is in place.

    Give the result a name: as a cell's last value it would print paths of this machine.

    Raises
    ------
    MachineError
        When this machine cannot have it.
    """
    progress = Progress(need)
    display(progress)  # type: ignore[no-untyped-call]
    return environment.ensure(need, progress)

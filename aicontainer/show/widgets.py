"""What differs from run to run or tells of a machine: a widget and nothing else, so that no stored output holds it."""

import html
from collections.abc import Sequence
from typing import Literal, Protocol

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
MARKS = {"fine": "✓", "worth knowing": "i", "not known": "?", "not enough": "✗"}
COLOURS = {"fine": "success", "worth knowing": "info", "not known": "warn", "not enough": "error"}


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


class Found(Protocol):
    """What `Findings` shows of each finding; ``state`` is one of those in MARKS."""

    @property
    def name(self) -> str: ...
    @property
    def found(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def mend(self) -> str: ...


class Findings(ipywidgets.HTML):  # type: ignore[misc]
    """A table of what a look at this machine found, with what mends it. Its text form tells nothing of the machine."""

    def __init__(self, findings: Sequence[Found]) -> None:
        rows = "".join(_table_row(finding) for finding in findings)
        head = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in ("", "what", "found"))
        super().__init__(f'<table style="border-spacing:1em 0.3em">{head}{rows}</table>')

    def __repr__(self) -> str:
        return "Findings(of this machine)"


def _table_row(finding: Found) -> str:
    colour = f"color:var(--jp-{COLOURS[finding.state]}-color1);font-weight:bold;white-space:nowrap"
    state = f'<td style="{colour};vertical-align:top">{MARKS[finding.state]} {finding.state}</td>'
    mend = "" if finding.state == "fine" else f"<br><small>→ {html.escape(finding.mend)}</small>"
    name = f'<td style="vertical-align:top;white-space:nowrap">{html.escape(finding.name)}</td>'
    return f"<tr>{state}{name}<td>{html.escape(finding.found)}{mend}</td></tr>"


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

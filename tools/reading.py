#!/usr/bin/env python3
"""Maintainers' tool: how long a learner takes for each notebook, estimated from its words and cells.

The running time is not in it: CI measures that. Prints a table beside the minutes that each notebook states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from aicontainer import places, syllabus

# Brysbaert (2019) has 238 words a minute for easy English prose; with formulas to follow it is about half of that
WORDS_A_MINUTE = 130
CODE_LINE_SECONDS = 4.0  # to read it and to find its output
CELL_SECONDS = 15.0  # to run it and to look at what it shows
EXERCISE_MINUTES = 5.0  # to think, try, read a hint, and try again
PREDICTION_MINUTES = 0.5


@dataclass(frozen=True)
class Reading:
    """What a learner meets in one notebook: words of prose, code cells and their lines, exercises, predictions."""

    words: int
    cells: int
    lines: int
    exercises: int
    predictions: int

    @property
    def minutes(self) -> float:
        """The estimate of all of it together."""
        cells = (self.cells * CELL_SECONDS + self.lines * CODE_LINE_SECONDS) / 60
        own = self.exercises * EXERCISE_MINUTES + self.predictions * PREDICTION_MINUTES
        return self.words / WORDS_A_MINUTE + cells + own


def reading(path: Path) -> Reading:
    """Count what is in the learner's form of a notebook.

    Raises
    ------
    InputError
        When it cannot be read as a notebook.
    """
    cells = syllabus.read(path).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    return Reading(
        words=sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown"),
        cells=len(code),
        lines=sum(len(cell.source.splitlines()) for cell in code),
        exercises=sum("stub" in cell.metadata.get("tags", []) for cell in code),
        predictions=sum(cell.source.startswith("my_prediction = None") for cell in code),
    )


def table(notebooks: Sequence[syllabus.Notebook]) -> str:
    """One line for each notebook: what is in it, the estimate, and what it states."""
    lines = [f"{'notebook':<18} {'words':>6} {'cells':>6} {'lines':>6} {'exercises':>10} {'estimate':>9} {'stated':>7}"]
    for notebook in notebooks:
        it = reading(notebook.path)
        counts = f"{it.words:>6} {it.cells:>6} {it.lines:>6} {it.exercises:>10}"
        lines.append(f"{notebook.name:<18} {counts} {it.minutes:>9.0f} {notebook.minutes:>7}")
    return "\n".join(lines)


@click.command()
def main() -> None:
    """Print the estimate for each notebook of the course."""
    click.echo(table(syllabus.listing(places.clone() / "notebooks")))


if __name__ == "__main__":
    main()

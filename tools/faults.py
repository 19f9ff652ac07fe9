#!/usr/bin/env python3
"""Prints, after a run of the tests, what a learner reads when something is wrong, as a table in Markdown.

The tests that cause a fault note its message, those that give an exercise's check a wrong answer note its hint. Of a
fault that was caused several times the last message is printed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from aicontainer import places
from aicontainer.errors import InputError

FAULTS = ("fault", "message")
HINTS = ("exercise", "test", "hint")


def faults(folder: Path) -> list[tuple[str, ...]]:
    """Name and message of each fault, by name."""
    return sorted({note["fault"]: (note["fault"], note["message"]) for note in _read(folder / "faults.jsonl")}.values())


def hints(folder: Path) -> list[tuple[str, ...]]:
    """Exercise, test and hint for each wrong answer, by exercise."""
    return sorted({tuple(note[column] for column in HINTS) for note in _read(folder / "hints.jsonl")})


def _read(path: Path) -> Iterator[dict[str, str]]:
    """The notes of a file, oldest first.

    Raises
    ------
    InputError
        When there is no such file: no test has noted anything.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} yet", seen=str(path), next_step="make test") from error
    return (json.loads(line) for line in lines)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the lines of a text stay lines."""
    lines = [columns, ["---"] * len(columns), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return "<br>".join(line.strip() for line in escaped.splitlines())


@click.command()
@click.option("--hints", "of_hints", is_flag=True, help="List the wrong answers and their hints instead.")
def main(of_hints: bool) -> None:
    """List every caused fault with the message that a learner sees."""
    try:
        printed = table(HINTS, hints(places.logs())) if of_hints else table(FAULTS, faults(places.logs()))
    except InputError as error:
        raise click.ClickException(str(error)) from error
    click.echo(printed)


if __name__ == "__main__":
    main()

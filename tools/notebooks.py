#!/usr/bin/env python3
"""Maintainers' tool: makes both forms of each notebook from its text source, runs them, and finds what is out of step.

notebooks/source/NN_name.md       the source, MyST Markdown
notebooks/NN_name.ipynb           the learner's form: cells tagged `solution` are dropped
notebooks/solutions/NN_name.ipynb the solved form: cells tagged `stub` are dropped

The cases lie one folder deeper in each of the three: notebooks/source/cases/finance.md, named cases/finance here.
"""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jupytext
import nbformat
from nbformat import NotebookNode

from aicontainer import places, runner, syllabus
from aicontainer.errors import AicontainerError

DROPPED = {"learner": "solution", "solutions": "stub"}
WIDGET = "application/vnd.jupyter.widget-view+json"
PRIVATE = re.compile(r"(?<![\w.])(?:/(?:home|root|tmp|Users|mnt)/|[A-Z]:\\)[^\s'\"]*")


def names(root: Path) -> list[str]:
    """The names of all sources, in order; that of a case has its folder in front."""
    return [_name(path, root / "source") for path in syllabus.files(root / "source", ".md")]


def folder(root: Path, form: str) -> Path:
    """Where the notebooks of a form are stored."""
    return root if form == "learner" else root / "solutions"


def stored(root: Path, form: str, name: str) -> Path:
    """Where a form of a notebook is stored."""
    return folder(root, form) / f"{name}.ipynb"


def build(root: Path, form: str, name: str) -> NotebookNode:
    """A form of a notebook from its source, without outputs."""
    source: Any = jupytext.read(root / "source" / f"{name}.md", fmt="md:myst")
    kept = [cell for cell in source.cells if DROPPED[form] not in cell.metadata.get("tags", [])]
    seen: Counter[str] = Counter()
    for cell in kept:
        if form == "solutions":  # they lie one folder deeper
            cell.source = re.sub(r"\]\(((?:\.\./)+docs/)", r"](../\1", cell.source)
        cell.id = _identity(cell, seen)
    notebook = nbformat.v4.new_notebook(cells=kept, metadata=source.metadata)  # type: ignore[no-untyped-call]
    return clean(notebook)


def clean(notebook: NotebookNode) -> NotebookNode:
    """Drop in place what changes from run to run: times, widget state and views, versions."""
    about = notebook.metadata
    notebook.metadata = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {
            "aicontainer": about.get("aicontainer", {}),
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})  # type: ignore[no-untyped-call]
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})  # type: ignore[no-untyped-call]
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def generate(root: Path, form: str, name: str) -> str:
    """Write a form of a notebook; outputs stay where no code has changed. Returns what was done, in a word."""
    fresh, path = build(root, form, name), stored(root, form, name)
    if path.exists():
        old = _read(path)
        if _code(old) == _code(fresh):
            for new_cell, old_cell in zip(_code_cells(fresh), _code_cells(old), strict=True):
                new_cell.outputs, new_cell.execution_count = old_cell.outputs, old_cell.execution_count
            if clean(old) == fresh:
                return "in step"
            _write(fresh, path)
            return "text updated"
    _write(fresh, path)
    return "written; to be executed"


def execute(root: Path, form: str, name: str) -> None:
    """Run a stored notebook from top to bottom and store its outputs."""
    path = stored(root, form, name)
    notebook = _read(path)
    runner.execute(notebook, name)
    _write(clean(notebook), path)


def problems(root: Path) -> Iterator[str]:
    """Everything that is out of step, one line each."""
    known = names(root)
    for form in DROPPED:
        for path in syllabus.files(folder(root, form)):
            if _name(path, folder(root, form)) not in known:
                yield f"{path.relative_to(root)}: has no source"
        for name in known:
            path = stored(root, form, name)
            if not path.exists():
                yield f"{path.relative_to(root)}: is missing (tools/notebooks.py generate)"
                continue
            for problem in _problems_of(_read(path), build(root, form, name)):
                yield f"{path.relative_to(root)}: {problem}"


def _problems_of(held: NotebookNode, fresh: NotebookNode) -> Iterator[str]:
    drifted = [i for i, (a, b) in enumerate(zip(held.cells, fresh.cells, strict=False), 1) if _face(a) != _face(b)]
    if len(held.cells) != len(fresh.cells):
        yield f"has {len(held.cells)} cells, its source makes {len(fresh.cells)}"
    if drifted:
        yield f"cell {drifted[0]} differs from the source (and {len(drifted) - 1} more)"
    if held.metadata != fresh.metadata:
        yield "its metadata differs from the source"
    if [cell.execution_count for cell in _code_cells(held)] != list(range(1, len(_code_cells(held)) + 1)):
        yield "was not run from top to bottom (tools/notebooks.py execute)"
    for number, cell in enumerate(held.cells, 1):
        for output in cell.get("outputs", []):
            yield from (f"cell {number} {problem}" for problem in _problems_of_output(output))


def _problems_of_output(output: NotebookNode) -> Iterator[str]:
    if output.output_type == "error":
        yield f"holds an error: {output.ename}"
    if output.get("name") == "stderr":
        yield "wrote to stderr"
    if WIDGET in output.get("data", {}):
        yield "holds a widget's random id"
    texts = [output.get("text", ""), *(v for k, v in output.get("data", {}).items() if k.startswith("text/"))]
    for text in texts:
        found = PRIVATE.search(text)
        private = found.group() if found else next((p for p in _here() if p in text), "")
        if private:
            yield f"shows a path of the machine that ran it: {private}"


def _name(path: Path, inside: Path) -> str:
    return path.relative_to(inside).with_suffix("").as_posix()


def _here() -> tuple[str, ...]:
    return tuple(str(path) for path in (Path.home(), places.clone()) if len(path.parts) > 2)


def _identity(cell: NotebookNode, seen: Counter[str]) -> str:
    # from the content, so that a cell keeps its id when others come and go; a repeated one gets a number
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _face(cell: NotebookNode) -> tuple[Any, ...]:
    return cell.cell_type, cell.get("id"), cell.source, cell.metadata


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _code(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in _code_cells(notebook)]


def _read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call, no-any-return]


def _write(notebook: NotebookNode, path: Path) -> None:
    places.write_whole(path, nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]


@click.group()
@click.option("--root", type=click.Path(path_type=Path), default=None, help="The folder of the notebooks.")
@click.pass_context
def cli(context: click.Context, root: Path | None) -> None:
    """Make, run and check the stored notebooks."""
    context.obj = root or places.clone() / "notebooks"


@cli.command("generate")
@click.pass_obj
def generate_command(root: Path) -> None:
    """Write both forms of every notebook from its source."""
    for form in DROPPED:
        for name in names(root):
            click.echo(f"{stored(root, form, name).relative_to(root)}: {generate(root, form, name)}")


@cli.command("execute")
@click.argument("chosen", nargs=-1, metavar="[NAMES]...")
@click.option("--form", type=click.Choice(list(DROPPED)), default=None, help="Only this form.")
@click.pass_obj
def execute_command(root: Path, chosen: tuple[str, ...], form: str | None) -> None:
    """Run stored notebooks and store their outputs: all of them, or those named (01_loss, or just 01)."""
    places.work_in("test")
    for one in [form] if form else DROPPED:
        for notebook in syllabus.choose(syllabus.listing(folder(root, one)), chosen):
            execute(root, one, _name(notebook.path, folder(root, one)))
            click.echo(f"{notebook.path.relative_to(root)}: executed")


@cli.command("check")
@click.pass_obj
def check_command(root: Path) -> None:
    """List what is out of step with the sources; ends with 1 when anything is."""
    found = list(problems(root))
    for problem in found:
        click.echo(problem, err=True)
    click.echo(f"{len(names(root))} sources, {len(found)} problems")
    sys.exit(1 if found else 0)


def main() -> None:
    """Run the tool; an error of ours is told without a traceback."""
    try:
        cli()
    except AicontainerError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

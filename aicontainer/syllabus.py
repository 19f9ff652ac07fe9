"""The notebooks of the course as they lie in the clone: which there are, and what each needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat

from aicontainer import places
from aicontainer.errors import InputError

Need = Literal["none", "engine", "cluster"]

CASES = "cases"  # the folder of the short notebooks on one data set each, beside those that are numbered


@dataclass(frozen=True)
class Notebook:
    """A notebook of the course: its name (``01_loss``), file, title, what it needs, and a learner's minutes for it."""

    name: str
    path: Path
    title: str
    needs: Need
    minutes: int


def listing(folder: Path) -> tuple[Notebook, ...]:
    """The notebooks of a folder and then its cases, by name; each says in its metadata what it needs.

    Raises
    ------
    InputError
        When a file is no notebook, or lacks that metadata.
    """
    return tuple(_describe(path) for path in files(folder))


def files(folder: Path, ending: str = ".ipynb") -> tuple[Path, ...]:
    """The files with that ending in a folder of notebooks or of their sources, and then those of its cases, by name."""
    return (*sorted(folder.glob(f"*{ending}")), *sorted((folder / CASES).glob(f"*{ending}")))


def solutions() -> tuple[Notebook, ...]:
    """The course with its exercises solved: what a headless run runs."""
    return listing(places.clone() / "notebooks" / "solutions")


def choose(notebooks: Sequence[Notebook], names: Iterable[str]) -> tuple[Notebook, ...]:
    """Those with the given names (``01_loss``, ``01`` or ``01_loss.ipynb``), in the course's order; all for no name.

    Raises
    ------
    InputError
        When no notebook has such a name.
    """
    wanted = [Path(name).stem for name in names]
    for name in wanted:
        if not any(_called(notebook, name) for notebook in notebooks):
            raise InputError(
                f"the course has no notebook {name}",
                seen=", ".join(notebook.name for notebook in notebooks),
                next_step="aicontainer run 01_loss runs one of them",
            )
    return tuple(n for n in notebooks if not wanted or any(_called(n, name) for name in wanted))


def read(path: Path) -> Any:
    """The content of a notebook's file.

    Raises
    ------
    InputError
        When it cannot be read as one.
    """
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat lets through whatever its conversions stumble over
        raise InputError(
            f"{path.name} cannot be read as a notebook",
            seen=f"{type(error).__name__}: {error}",
            next_step="git status tells whether it was changed; git restore brings it back",
        ) from error


def _describe(path: Path) -> Notebook:
    content = read(path)
    about = content.metadata.get("aicontainer", {})
    if about.get("needs") not in ("none", "engine", "cluster") or not isinstance(about.get("minutes"), int):
        raise InputError(
            f"{path.name} does not say what it needs",
            seen=f"aicontainer: {dict(about)}",
            next_step="its source must have aicontainer: {needs: none, engine or cluster, minutes: a number}",
        )
    lines = content.cells[0].source.splitlines() if content.cells else []
    title = next((line.lstrip("# ") for line in lines if line.startswith("# ")), path.stem)
    return Notebook(path.stem, path, title, about["needs"], about["minutes"])


def _called(notebook: Notebook, name: str) -> bool:
    return name in (notebook.name, notebook.name.split("_")[0])

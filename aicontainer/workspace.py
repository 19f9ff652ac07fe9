"""The learner's working copy of the notebooks. ``make lab`` calls it: updates never overwrite a learner's work.

Whether a copy was changed is told by its cells' text alone, so running a notebook or saving it does not count.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aicontainer import places, syllabus

RECORD = ".given.json"  # what was handed out last, by path in the working copy


@dataclass(frozen=True)
class Copied:
    """One notebook of the working copy and what was done: copied, updated, left as it is, or an update laid beside."""

    path: Path
    done: Literal["copied", "updated", "left", "beside"]

    @property
    def line(self) -> str:
        """A line for the learner; empty where nothing happened."""
        if self.done == "left":
            return ""
        if self.done == "beside":
            return f"{self.path.name}: you have changed your copy, so the new version lies beside it"
        return f"{self.path.name}: {self.done}"


def hand_out(source: Path, target: Path) -> tuple[Copied, ...]:
    """Copy the notebooks of ``source`` to ``target``; a changed copy stays, and its update becomes NAME.new.ipynb.

    The cases go to a folder of that name in ``target``.
    """
    record = target / RECORD
    given = _given(record)
    names = [path.relative_to(source) for path in syllabus.files(source)]
    copied = tuple(_hand_out_one(source / name, name, target, given) for name in names)
    places.write_whole(record, json.dumps(given, indent=1, sort_keys=True) + "\n")
    return copied


def lay_glossary(clone: Path, work: Path) -> None:
    """Put the glossary where the links of the working copies lead to: JupyterLab shows no file outside of ``work``."""
    places.write_whole(work / "docs" / "glossary.md", (clone / "docs" / "glossary.md").read_text(encoding="utf-8"))


def first(folder: Path) -> Path:
    """The notebook to open: the first by name."""
    return min(folder.glob("[0-9]*.ipynb"))


def _given(record: Path) -> dict[str, str]:
    """What was handed out last; a lost or damaged record holds nothing: every copy then counts as the learner's."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _hand_out_one(path: Path, name: Path, target: Path, given: dict[str, str]) -> Copied:
    mine = target / name
    now, before = _digest(path), given.get(name.as_posix())
    if not mine.exists():
        return _place(path, name, target, given, "copied")
    held = _digest(mine)
    if now in (held, before):
        return Copied(mine, "left")
    if held == before:
        return _place(path, name, target, given, "updated")
    update = name.with_suffix(".new.ipynb")
    beside = target / update
    if beside.exists() and _digest(beside) != given.get(update.as_posix()):
        return Copied(beside, "left")  # the learner works in the update already
    if beside.exists() and _digest(beside) == now:
        return Copied(beside, "left")
    return _place(path, update, target, given, "beside")


def _place(
    path: Path, name: Path, target: Path, given: dict[str, str], done: Literal["copied", "updated", "beside"]
) -> Copied:
    places.write_whole(target / name, path.read_text(encoding="utf-8"))
    given[name.as_posix()] = _digest(path)
    return Copied(target / name, done)


def _digest(path: Path) -> str:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in cells])
    except (ValueError, KeyError, TypeError):
        text = path.read_bytes().hex()  # no notebook any more: any difference counts
    return hashlib.sha256(text.encode()).hexdigest()

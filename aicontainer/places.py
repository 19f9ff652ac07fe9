"""Where things lie: the clone, the working copy in it, and the cache of the user; and how a file is written whole.

Looking creates no folder; whoever writes does.
"""

import os
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

from aicontainer.errors import MachineError, disk_full_told

WORK_VARIABLE = "AICONTAINER_WORK"


def clone() -> Path:
    """The folder of the clone, which holds ``notebooks/``, ``images/`` and ``manifests/``.

    Raises
    ------
    MachineError
        When the package was installed without its clone: the course runs from a clone only.
    """
    root = Path(__file__).resolve().parent.parent
    if not (root / "images" / "model").is_dir():
        raise MachineError(
            "the course runs from a clone of its repository, and this is a copy of the package alone",
            seen=str(root),
            next_step="git clone the repository and run: make lab",
        )
    return root


def work() -> Path:
    """The working copy in the clone (git ignores it): notebooks, model files, what each stage measured.

    The learner's own is ``work/``; AICONTAINER_WORK names another folder, see `work_in`.
    """
    return clone() / (os.environ.get(WORK_VARIABLE) or "work")


def work_in(name: str) -> Path:
    """Let this process, and every kernel that it starts, work in ``work/<name>``: the learner's own files stay.

    Returns that folder, which is not made yet.
    """
    folder = clone() / "work" / name
    os.environ[WORK_VARIABLE] = str(folder)
    return folder


def cache() -> Path:
    """What was built and is kept for the next time; ``aicontainer down --all`` removes it."""
    return user_cache_path("aicontainer")


def logs() -> Path:
    """One log file for each long step, in ``work/logs`` whoever runs it; error messages name them."""
    return clone() / "work" / "logs"


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all (written beside, then renamed); makes its folder.

    Raises
    ------
    DiskFull
        When no room is left: what stood there before stays.
    """
    with disk_full_told(path):
        _write_whole(path, text)


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        beside.chmod(0o644)  # a temporary file is its owner's alone
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise

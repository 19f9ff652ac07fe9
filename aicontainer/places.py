"""Where things lie: the clone, the learner's working copy in it, and the cache of the user.

Nothing here creates a folder; whoever writes does.
"""

from pathlib import Path

from platformdirs import user_cache_path

from aicontainer.errors import MachineError


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
    """The learner's working copy in the clone (git ignores it): notebooks, model files, executed notebooks, logs."""
    return clone() / "work"


def cache() -> Path:
    """What was built and is kept for the next time; ``aicontainer down --all`` removes it."""
    return user_cache_path("aicontainer")


def logs() -> Path:
    """One log file for each long step; error messages name them."""
    return work() / "logs"

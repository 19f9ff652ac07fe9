"""Runs the course's notebooks without a browser, in order. The command line calls it, and the maintainers' tools.

Notebooks that need no Docker run beside the making of engine and cluster, so that the first result comes early. The
making stands in the main thread and the notebooks in another: Ctrl-C reaches the main thread, which then ends both.
"""

import contextlib
import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from aicontainer import places, thread
from aicontainer.errors import AicontainerError, NotebookError, means_no_engine
from aicontainer.events import Event, Listener, silent
from aicontainer.syllabus import Notebook, read

CELL_LIMIT = 1800  # seconds: a cell may have to make a cluster from nothing
TRACEBACK_LINES = 12
ENDS_OF_A_CELL = 5
SECONDS_TO_STOP = 10

State = Literal["passed", "failed", "not run"]


@dataclass(frozen=True)
class NotebookRun:
    """What became of one notebook: its state, the reason where it did not pass, its executed copy."""

    name: str
    state: State
    reason: str = ""
    executed: Path | None = None


@dataclass(frozen=True)
class CourseRun:
    """What became of each notebook, in order. ``trouble`` is what kept engine and cluster from being there."""

    notebooks: tuple[NotebookRun, ...]
    trouble: AicontainerError | None = None

    @property
    def exit_code(self) -> int:
        """0 when all that could run has passed: a machine without Docker is no failure, a broken set-up is one."""
        broken = self.trouble is not None and not means_no_engine(self.trouble)
        return int(broken or any(run.state == "failed" for run in self.notebooks))

    @property
    def closing(self) -> str:
        """One line: how many passed, how many failed, which did not run and why."""
        names = {state: [run.name for run in self.notebooks if run.state == state] for state in ("failed", "not run")}
        passed = len(self.notebooks) - len(names["failed"]) - len(names["not run"])
        parts = [f"{passed} of {len(self.notebooks)} notebooks ran to their end"]
        if names["failed"]:
            parts.append(f"failed: {', '.join(names['failed'])}")
        if names["not run"]:
            reason = next(run.reason for run in self.notebooks if run.state == "not run")
            parts.append(f"did not run: {', '.join(names['not run'])} ({reason})")
        return "; ".join(parts)


def run(
    notebooks: Sequence[Notebook],
    tell: Listener = silent,
    *,
    bring_up: Callable[[Listener], object],
    executed: Path | None = None,
) -> CourseRun:
    """Run notebooks in order, those without needs beside ``bring_up``, and go on after one that failed.

    Parameters
    ----------
    bring_up
        Makes engine and cluster; called only when a notebook needs them. What it raises keeps those from running.
    executed
        Where the executed copies go; ``executed`` in the working copy when not given.
    """
    folder = executed or places.work() / "executed"
    early = [notebook for notebook in notebooks if notebook.needs == "none"]
    late = [notebook for notebook in notebooks if notebook.needs != "none"]
    for notebook in notebooks:
        thread.forget(notebook.name)  # an old loss must not stand for a run that fails now
    trouble: AicontainerError | None = None
    with _Queue(folder, tell) as queue:
        queue.begin(early)
        if late:
            try:
                bring_up(tell)
            except AicontainerError as error:
                trouble = error
        queue.join()
        if trouble is None:
            queue.begin(late)
            queue.join()
    results = {result.name: result for result in queue.results}
    return CourseRun(tuple(results.get(n.name) or _left_out(n, trouble) for n in notebooks), trouble)


def execute(
    notebook: nbformat.NotebookNode,
    name: str,
    *,
    limit: int = CELL_LIMIT,
    on_cell: Callable[[int, int], None] = lambda cell, cells: None,
    on_client: Callable[[NotebookClient], None] = lambda client: None,
) -> None:
    """Run a notebook in place, in an empty folder: it may lean on nothing that lies beside it.

    ``limit`` is in seconds for each cell; ``on_cell`` gets the number of the cell that begins, and how many there are.

    Raises
    ------
    NotebookError
        When a cell raises, passes its limit, or ends the kernel; what ran so far keeps its outputs.
    """
    at = 0

    def begins(cell: Any, cell_index: int) -> None:
        nonlocal at
        at = cell_index
        on_cell(cell_index + 1, len(notebook.cells))

    with tempfile.TemporaryDirectory(prefix="aicontainer-") as empty:
        client = NotebookClient(
            notebook,
            timeout=limit,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],  # the kernel's warnings would fall between our own lines
            resources={"metadata": {"path": empty}},
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            on_cell_start=begins,
        )
        on_client(client)
        try:
            client.execute()
        except CellExecutionError as error:
            raise _cell_error(notebook, name, at, f"{error.ename}: {error.evalue}", error.traceback) from error
        except CellTimeoutError as error:
            raise _cell_error(notebook, name, at, f"no end within {limit} s", "") from error
        except DeadKernelError as error:
            raise _cell_error(notebook, name, at, "its kernel ended", str(error)) from error


class _Queue:
    """Runs notebooks one after another in a thread of its own; leaving it early ends what runs."""

    def __init__(self, folder: Path, tell: Listener) -> None:
        self.folder = folder
        self.tell = tell
        self.results: list[NotebookRun] = []
        # not Thread.join: interrupted, it takes a running thread for one that has ended (Python 3.11)
        self._idle = threading.Event()
        self._idle.set()
        self._client: NotebookClient | None = None
        self._stopped = False
        self._broken: Exception | None = None

    def __enter__(self) -> "_Queue":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        for sent in (signal.SIGINT, signal.SIGKILL):  # the first lets a cell end the programs that it has started
            if not self._idle.is_set():
                _signal_kernel(self._client, sent)
                self._idle.wait(SECONDS_TO_STOP)

    def begin(self, notebooks: Sequence[Notebook]) -> None:
        self._idle.clear()
        threading.Thread(target=self._run_all, args=(notebooks,), daemon=True).start()

    def join(self) -> None:
        self._idle.wait()
        if self._broken is not None:
            raise self._broken

    def _run_all(self, notebooks: Sequence[Notebook]) -> None:
        try:
            for notebook in notebooks:
                if not self._stopped:
                    self.results.append(self._run_one(notebook))
        except Exception as error:  # not of a cell: the main thread tells it
            self._broken = error
        finally:
            self._idle.set()

    def _run_one(self, notebook: Notebook) -> NotebookRun:
        self.tell(Event(notebook.name, "started", notebook.title))
        content = read(notebook.path)
        target = self.folder / f"{notebook.name}.ipynb"
        try:
            execute(content, notebook.name, on_cell=self._teller(notebook), on_client=self._keep)
        except NotebookError as error:
            self.tell(Event(notebook.name, "failed", "interrupted" if self._stopped else str(error)))
            return NotebookRun(notebook.name, "failed", str(error), target)
        finally:
            self._client = None
            places.write_whole(target, nbformat.writes(content) + "\n")  # type: ignore[no-untyped-call]
        self.tell(Event(notebook.name, "made", "ran to its end"))
        return NotebookRun(notebook.name, "passed", executed=target)

    def _keep(self, client: NotebookClient) -> None:
        self._client = client

    def _teller(self, notebook: Notebook) -> Callable[[int, int], None]:
        def on_cell(cell: int, cells: int) -> None:
            self.tell(Event(notebook.name, "progress", f"cell {cell} of {cells}", fraction=(cell - 1) / cells))

        return on_cell


def _left_out(notebook: Notebook, trouble: AicontainerError | None) -> NotebookRun:
    return NotebookRun(notebook.name, "not run", reason=trouble.what if trouble else "")


def _cell_error(notebook: nbformat.NotebookNode, name: str, at: int, why: str, trace: str) -> NotebookError:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", trace).strip()
    return NotebookError(
        f"{name} stopped at cell {at + 1} of {len(notebook.cells)}: {why.splitlines()[0]}",
        seen="\n".join(plain.splitlines()[-TRACEBACK_LINES:]),
        next_step=f"aicontainer run {name} runs it again; make lab opens it",
        cell=at + 1,
        source=_ends(notebook.cells[at].source),
    )


def _ends(source: str) -> str:
    lines = source.splitlines()
    if len(lines) <= 2 * ENDS_OF_A_CELL:
        return source
    between = f"... ({len(lines) - 2 * ENDS_OF_A_CELL} more lines)"
    return "\n".join([*lines[:ENDS_OF_A_CELL], between, *lines[-ENDS_OF_A_CELL:]])


def _signal_kernel(client: NotebookClient | None, sent: signal.Signals) -> None:
    provisioner = getattr(getattr(client, "km", None), "provisioner", None)
    group = getattr(provisioner, "pgid", None)
    if group:
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(group, sent)

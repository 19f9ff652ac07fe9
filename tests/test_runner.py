"""Running notebooks without a browser: tiny notebooks, real kernels."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from aicontainer import runner, syllabus
from aicontainer.errors import (
    AicontainerError,
    BuildError,
    DiskFull,
    EngineUnavailable,
    InputError,
    MachineError,
    NotebookError,
    SourceLost,
)
from aicontainer.events import Event, Listener

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, *sources: str, needs: str = "none") -> Path:
        cells = [nbformat.v4.new_markdown_cell(f"# Try {name}"), *map(nbformat.v4.new_code_cell, sources)]
        about = {"aicontainer": {"needs": needs, "minutes": 5}}
        path = tmp_path / "nb" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), path)
        return path

    return write


def _nothing(tell: Listener) -> None:
    tell(Event("cluster", "found"))


def _run(folder: Path, bring_up: Callable[[Listener], object] = _nothing) -> tuple[runner.CourseRun, list[Event]]:
    told: list[Event] = []
    listed = syllabus.listing(folder / "nb")
    return runner.run(listed, told.append, bring_up=bring_up, executed=folder / "out"), told


def test_notebooks_are_listed_in_order_with_what_they_need(write: Write, tmp_path: Path) -> None:
    write("02_b", "1", needs="cluster")
    write("01_a", "1")
    assert [(n.name, n.title, n.needs, n.minutes) for n in syllabus.listing(tmp_path / "nb")] == [
        ("01_a", "Try 01_a", "none", 5),
        ("02_b", "Try 02_b", "cluster", 5),
    ]


def test_a_notebook_that_does_not_say_what_it_needs_is_refused(write: Write, tmp_path: Path) -> None:
    write("01_a", "1", needs="a lot")
    with pytest.raises(InputError, match="01_a"):
        syllabus.listing(tmp_path / "nb")


@pytest.mark.parametrize("name", ["01", "01_a", "01_a.ipynb", "notebooks/01_a.ipynb"])
def test_a_notebook_can_be_named_in_short(name: str, write: Write, tmp_path: Path) -> None:
    write("02_b", "1")
    write("01_a", "1")
    listed = syllabus.listing(tmp_path / "nb")
    assert [notebook.name for notebook in syllabus.choose(listed, [name])] == ["01_a"]
    assert syllabus.choose(listed, []) == listed


def test_an_unknown_name_is_told_with_the_known_ones(write: Write, tmp_path: Path) -> None:
    write("01_a", "1")
    with pytest.raises(InputError, match="07") as caught:
        syllabus.choose(syllabus.listing(tmp_path / "nb"), ["01", "07"])
    assert "01_a" in caught.value.seen


def test_a_run_writes_executed_copies_and_tells_each_notebook(write: Write, tmp_path: Path) -> None:
    source = write("01_a", "print(6 * 7)").read_bytes()
    course, told = _run(tmp_path)
    assert [(one.name, one.state, one.reason) for one in course.notebooks] == [("01_a", "passed", "")]
    assert course.exit_code == 0
    assert course.notebooks[0].executed is not None
    copy = nbformat.read(course.notebooks[0].executed, as_version=4)
    assert copy.cells[1].outputs[0].text == "42\n"
    assert [event.kind for event in told if event.kind != "progress"] == ["started", "made"]
    assert (tmp_path / "nb" / "01_a.ipynb").read_bytes() == source


def test_a_failed_cell_is_told_with_its_source_and_the_others_run(write: Write, tmp_path: Path) -> None:
    long_cell = "\n".join([*(f"line{n} = {n}" for n in range(20)), "raise ValueError('the cause')"])
    write("01_a", "print('before')", long_cell, "print('never')")
    write("02_b", "1")
    course, _ = _run(tmp_path)
    assert [one.state for one in course.notebooks] == ["failed", "passed"]
    assert course.exit_code == 1
    reason = course.notebooks[0].reason
    assert "01_a stopped at cell 3 of 4: ValueError: the cause" in reason
    assert "| line4 = 4" in reason
    assert "line8 = 8" not in reason.split("seen:")[0]
    assert "| raise ValueError('the cause')" in reason
    assert "\x1b" not in reason
    assert "failed: 01_a" in course.closing
    copy = nbformat.read(tmp_path / "out" / "01_a.ipynb", as_version=4)
    assert copy.cells[1].outputs[0].text == "before\n"
    assert copy.cells[3].execution_count is None


def test_a_cell_that_does_not_end_is_stopped_at_its_limit(write: Write) -> None:
    content = nbformat.read(write("01_a", "import time; time.sleep(60)"), as_version=4)
    with pytest.raises(NotebookError, match="no end within 1 s") as caught:
        runner.execute(content, "01_a", limit=1)
    assert (caught.value.cell, caught.value.source) == (2, "import time; time.sleep(60)")


def test_a_kernel_that_dies_is_told(write: Write) -> None:
    content = nbformat.read(write("01_a", "import os; os._exit(3)"), as_version=4)
    with pytest.raises(NotebookError, match="its kernel ended"):
        runner.execute(content, "01_a")


def test_a_notebook_runs_in_an_empty_folder(write: Write, tmp_path: Path) -> None:
    write("01_a", "import pathlib\nassert not list(pathlib.Path.cwd().iterdir())")
    assert _run(tmp_path)[0].exit_code == 0


def test_what_needs_no_docker_runs_while_the_cluster_is_made(write: Write, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    write("01_a", f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
    write("02_b", "1", needs="cluster")

    def bring_up(tell: Listener) -> None:
        deadline = time.monotonic() + 60
        while not mark.exists():  # it would never appear if notebooks came after
            assert time.monotonic() < deadline
            time.sleep(0.05)

    assert [one.state for one in _run(tmp_path, bring_up)[0].notebooks] == ["passed", "passed"]


def test_nothing_is_made_when_no_notebook_needs_it(write: Write, tmp_path: Path) -> None:
    write("01_a", "1")

    def never(tell: Listener) -> None:
        raise AssertionError

    assert _run(tmp_path, never)[0].exit_code == 0


def test_without_an_engine_the_others_run_and_that_is_no_failure(write: Write, tmp_path: Path) -> None:
    write("01_a", "1")
    write("02_b", "1", needs="engine")

    def bring_up(tell: Listener) -> None:
        raise EngineUnavailable("no Docker Engine here")

    course, _ = _run(tmp_path, bring_up)
    assert [one.state for one in course.notebooks] == ["passed", "not run"]
    assert course.exit_code == 0
    assert course.closing == "1 of 2 notebooks ran to their end; did not run: 02_b (no Docker Engine here)"


@pytest.mark.parametrize("kind", [BuildError, DiskFull, MachineError, SourceLost])
def test_a_set_up_that_breaks_is_a_failure(write: Write, tmp_path: Path, kind: type[AicontainerError]) -> None:
    write("01_a", "1")
    write("02_b", "1", needs="cluster")

    def bring_up(tell: Listener) -> None:
        raise kind("the node image could not be built")

    course, _ = _run(tmp_path, bring_up)
    assert [one.state for one in course.notebooks] == ["passed", "not run"]
    assert course.exit_code == 1


def test_an_interruption_ends_the_kernel_and_what_its_cell_started(write: Write, tmp_path: Path) -> None:
    kernel, child = tmp_path / "kernel", tmp_path / "child"
    sleeper = f"import os, time; open({str(child)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    code = (
        "import os, pathlib, sys\nfrom aicontainer import commands\n"
        f"pathlib.Path({str(kernel)!r}).write_text(str(os.getpid()))\n"
        f"commands.run([sys.executable, '-c', {sleeper!r}], limit=99)"
    )
    write("01_a", code)
    script = (
        "import pathlib, sys\nfrom aicontainer import runner, syllabus\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "try: runner.run(syllabus.listing(folder / 'nb'), bring_up=print, executed=folder / 'out')\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path)
    try:
        _await(lambda: child.exists() and child.read_text() != "")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
    for pid in (int(kernel.read_text()), int(child.read_text())):
        _await(lambda pid=pid: not _lives(pid))  # type: ignore[misc]
    assert (tmp_path / "out" / "01_a.ipynb").exists()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def _await(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def test_a_file_that_is_no_notebook_is_not_taken_for_one_that_was_left_out(write: Write, tmp_path: Path) -> None:
    path = write("01_a", "1")
    listed = syllabus.listing(tmp_path / "nb")
    path.write_text("{}")
    with pytest.raises(InputError, match=r"01_a.ipynb cannot be read as a notebook"):
        runner.run(listed, bring_up=_nothing, executed=tmp_path / "out")


def test_it_works_outside_the_main_thread(write: Write, tmp_path: Path) -> None:
    write("01_a", "1")
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(_run(tmp_path)[0].exit_code))
    thread.start()
    thread.join()
    assert codes == [0]

"""The command line: help that teaches, errors for people."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aicontainer import __main__ as command_line
from aicontainer import environment, places, runner, syllabus, thread
from aicontainer.doctor import looks
from aicontainer.doctor.findings import Finding, State
from aicontainer.errors import AicontainerError, EngineUnavailable, InputError
from aicontainer.events import Event, Listener

COMMANDS = sorted(command_line.cli.commands)


def test_the_commands_are_these() -> None:
    assert COMMANDS == ["doctor", "down", "lab", "run", "status", "up"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = command_line.cli.commands[name]
    shown = CliRunner().invoke(command, ["--help"])
    assert shown.exit_code == 0
    assert command.help and len(command.help.split()) > 10
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert name in CliRunner().invoke(command_line.cli, ["--help"]).output


def _main(*words: str) -> int:
    before = signal.getsignal(signal.SIGTERM)
    try:
        command_line.main(words)
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def test_an_error_is_told_in_three_lines_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def up(tell: Listener) -> None:
        raise EngineUnavailable("no engine answers", seen="refused", next_step="start Docker")

    monkeypatch.setattr(environment, "up", up)
    assert _main("up") == EngineUnavailable.exit_code
    said = capsys.readouterr()
    assert said.err.splitlines() == ["no engine answers", "  seen: refused", "  next: start Docker"]
    with pytest.raises(EngineUnavailable):
        command_line.main(["--debug", "up"])


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied")])
def test_what_the_system_refuses_is_told_in_three_lines(
    error: OSError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def up(tell: Listener) -> None:
        raise error

    monkeypatch.setattr(environment, "up", up)
    assert _main("up") == 1
    _, seen, next_step = capsys.readouterr().err.splitlines()
    assert str(error) in seen
    assert "doctor" in next_step
    with pytest.raises(OSError, match=error.strerror):
        command_line.main(["--debug", "up"])


def test_an_interruption_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], record_fault: Callable[[str, object], None]
) -> None:
    def up(tell: Listener) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "up", up)
    assert _main("up") == 130
    said = capsys.readouterr().err
    record_fault("Ctrl-C while up works", said.strip())
    assert "goes on from here" in said


def test_a_signal_to_end_counts_as_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def up(tell: Listener) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(environment, "up", up)
    assert _main("up") == 130


def test_a_mistyped_command_is_refused_with_its_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main("upp") == 2
    assert "No such command 'upp'" in capsys.readouterr().err


def test_progress_goes_to_stderr_and_the_last_word_to_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "up", lambda tell: tell(Event("engine", "found", "26.1.5")))
    assert _main("up") == 0
    said = capsys.readouterr()
    assert "26.1.5" in said.err and "26.1.5" not in said.out
    assert "make lab" in said.out


@pytest.mark.parametrize(("words", "called"), [(["down"], "down"), (["down", "--all"], "clear")])
def test_down_removes_the_cache_only_when_asked(
    words: list[str], called: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []
    for name in ("down", "clear"):
        monkeypatch.setattr(environment, name, lambda tell, name=name: calls.append(name))
    assert _main(*words) == 0
    assert calls == [called]
    assert "removed" not in capsys.readouterr().out  # what was done is told by whoever did it


def _finding(name: str, state: State) -> Finding:
    return Finding(name, f"what {name} is", state, f"mend {name}")


def test_doctor_names_what_lacks_and_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(looks, "examine", lambda: (_finding("memory", "fine"), _finding("disk", "not enough")))
    assert _main("doctor") == 3
    said = capsys.readouterr().out
    assert "mend disk" in said and "mend memory" not in said and "what memory is" in said


@pytest.mark.parametrize("state", ["worth knowing", "not known"])
def test_doctor_ends_well_when_nothing_stands_against_the_course(
    state: State, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(looks, "examine", lambda: (_finding("memory", "fine"), _finding("TLS", state)))
    assert _main("doctor") == 0
    said = capsys.readouterr().out
    assert state in said and "mend TLS" in said


Course = Callable[..., None]


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Course:
    """Lets ``run`` find one notebook in a clone of its own, and end as it is told."""
    monkeypatch.setattr(places, "clone", lambda: tmp_path)

    def ends(state: runner.State, trouble: AicontainerError | None = None, name: str = "01_a") -> None:
        notebook = syllabus.Notebook(name, Path(f"{name}.ipynb"), "Try", "none", 5)
        done = runner.CourseRun((runner.NotebookRun(name, state, "why"),), trouble)
        monkeypatch.setattr(syllabus, "solutions", lambda: (notebook,))
        monkeypatch.setattr(runner, "run", lambda chosen, tell, bring_up: done)

    return ends


def test_run_ends_with_table_place_and_how_to_go_on(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    course("passed")
    assert _main("run") == 0
    said = capsys.readouterr().out
    for part in ("02_descent", "work/course/executed", "make lab", "1 of 1 notebooks ran to their end"):
        assert part in said


def test_run_leaves_the_learners_own_files_alone(course: Course, tmp_path: Path) -> None:
    course("passed")
    _main("run")
    assert places.work() == tmp_path / "work" / "course"
    assert os.environ[places.WORK_VARIABLE] == str(places.work())  # kernels inherit it


def test_run_fails_when_a_notebook_failed_or_a_loss_is_another(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    course("failed")
    assert _main("run") == 1
    course("passed")
    monkeypatch.setattr(thread, "table", lambda: thread.Table((thread.Row("05_deploy", 1.0, False),)))
    assert _main("run") == 1
    assert "05_deploy" in capsys.readouterr().err


def test_run_fails_when_a_stage_passed_and_measured_nothing(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    course("passed", name="04_package")
    assert _main("run") == 1
    assert "04_package" in capsys.readouterr().err


def test_run_says_why_a_notebook_did_not_run(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    course("not run", EngineUnavailable("no engine", next_step="start Docker"), name="04_package")
    assert _main("run") == 0
    said = capsys.readouterr()
    assert "start Docker" in said.err
    assert said.out.splitlines()[-1] == "0 of 1 notebooks ran to their end; did not run: 04_package (why)"


def test_an_unknown_notebook_is_told(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    course("passed")
    assert _main("run", "77") == InputError.exit_code
    assert "77" in capsys.readouterr().err


def test_help_needs_no_docker_and_no_plots() -> None:
    code = (
        "import sys\nfrom aicontainer.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'docker', 'kubernetes', 'matplotlib', 'ipywidgets', 'numpy'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"

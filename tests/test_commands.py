"""Running programs: small real ones."""

import os
import sys
import time
from pathlib import Path

import pytest

from aicontainer import commands
from aicontainer.errors import CommandError, MachineError, TimedOut


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_it_returns_both_streams_in_order() -> None:
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); print('three')"
    assert commands.run(python(code), limit=30) == "one\ntwo\nthree"


def test_words_are_never_read_by_a_shell() -> None:
    assert commands.run(["echo", "$HOME; ls *"], limit=30) == "$HOME; ls *"


def test_a_failure_has_code_words_and_the_last_output(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "a.log"
    with pytest.raises(CommandError) as caught:
        commands.run(python("print('the cause'); raise SystemExit(7)"), limit=30, log=log)
    assert caught.value.code == 7
    assert "the cause" in caught.value.seen
    assert str(log) in caught.value.next_step
    assert log.read_text() == "the cause\n"


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    for word in ("one", "two"):
        commands.run(["echo", word], limit=30, log=log)
    assert log.read_text() == "one\ntwo\n"


def test_a_missing_program_is_an_error_about_the_machine() -> None:
    with pytest.raises(MachineError, match="no-such-program") as caught:
        commands.run(["no-such-program"], limit=30)
    assert "doctor" in caught.value.next_step


def test_the_limit_ends_the_program_and_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = (
        f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); print('up', flush=True); time.sleep(60)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(TimedOut) as caught:
        commands.run(python(parent), limit=15)
    assert caught.value.seen == "up"
    pid = int(mark.read_text())
    deadline = time.monotonic() + 60
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_lines_are_handed_on_as_they_come() -> None:
    seen: list[str] = []
    commands.run(python("print('a'); print('b')"), limit=30, on_line=seen.append)
    assert seen == ["a", "b"]


def test_an_error_while_reading_ends_the_program() -> None:
    pids: list[int] = []

    def broken(line: str) -> None:
        pids.append(int(line))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        commands.run(
            python("import os, time; print(os.getpid(), flush=True); time.sleep(60)"), limit=60, on_line=broken
        )
    assert not _lives(pids[0])


def test_environment_and_folder(tmp_path: Path) -> None:
    code = "import os; print(os.environ['A_NAME'] + os.getcwd())"
    said = commands.run(python(code), limit=30, env={"A_NAME": "value "}, cwd=tmp_path)
    assert said == f"value {tmp_path.resolve()}"
    assert "A_NAME" not in os.environ


def test_a_program_reads_nothing_from_the_terminal() -> None:
    assert commands.run(python("import sys; print(repr(sys.stdin.read()))"), limit=30) == "''"


def test_gently_lowers_the_priority() -> None:
    code = "import os; print(os.nice(0))"
    plain, gentle = (int(commands.run(python(code), limit=30, gently=gently)) for gently in (False, True))
    assert gentle > plain or plain >= 10


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'\xff ok\n')"
    assert commands.run(python(code), limit=30).endswith(" ok")

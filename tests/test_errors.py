"""The error tree: drawn as it is, and of use to a person."""

import errno
import re
from pathlib import Path

import pytest

from aicontainer import errors
from aicontainer.errors import AicontainerError, CommandError, NotebookError, shorten


def _classes() -> dict[str, type[Exception]]:
    found = vars(errors).values()
    return {c.__name__: c for c in found if isinstance(c, type) and issubclass(c, AicontainerError)}


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r" {4}((?:│   |    )*)(├── |└── )?([A-Z]\w+)\b", line)
        if not match or match[3] not in _classes():
            continue
        depth = len(match[1]) // 4 + bool(match[2])
        path[depth:] = [match[3]]
        drawn[match[3]] = path[depth - 1] if depth else None
    real = {name: c.__bases__[0].__name__ if c is not AicontainerError else None for name, c in _classes().items()}
    assert drawn == real


def test_an_error_tells_what_happened_what_was_seen_and_what_to_do() -> None:
    text = str(AicontainerError("the pod did not start", seen="ErrImagePull", next_step="kubectl describe pod"))
    assert text.splitlines() == ["the pod did not start", "  seen: ErrImagePull", "  next: kubectl describe pod"]


def test_empty_parts_are_left_out() -> None:
    assert str(AicontainerError("no")) == "no"


def test_foreign_text_is_cut_and_its_end_is_kept() -> None:
    error = AicontainerError("no", seen="x" * 5000 + " the cause")
    assert error.seen.endswith("the cause")
    assert len(error.seen) <= errors.LONGEST_FOREIGN_TEXT + 2
    assert shorten(" short ") == "short"


def test_a_command_error_has_a_line_to_paste() -> None:
    error = CommandError(["echo", "two words", "$HOME"], 3)
    assert error.command == "echo 'two words' '$HOME'"
    assert (error.argv, error.code) == (("echo", "two words", "$HOME"), 3)


def test_a_notebook_error_shows_the_cell() -> None:
    text = str(NotebookError("01 stopped", seen="ValueError", cell=3, source="a = 1\nraise ValueError"))
    assert text.splitlines() == ["01 stopped", "  | a = 1", "  | raise ValueError", "  seen: ValueError"]


@pytest.mark.parametrize("name", sorted(_classes()))
def test_each_kind_has_an_exit_code_that_a_shell_can_tell_from_success(name: str) -> None:
    assert 0 < _classes()[name].exit_code < 126


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "HTTPConnectionPool(host='127.0.0.1', port=1): Max retries exceeded with url: /version (Caused by "
            "NewConnectionError(\"HTTPConnection(host='127.0.0.1', port=1): [Errno 111] Connection refused\"))",
            "127.0.0.1:1: Connection refused",
        ),
        ("HTTPConnectionPool(host='h', port=2): Read timed out. (read timeout=1)", "h:2: Read timed out"),
        ("HTTPSConnectionPool(host='h', port=3): (Caused by SSLError(5, '[SSL] PEM'))", "h:3: [SSL] PEM"),
        ("something else", "something else"),
    ],
)
def test_a_failed_connection_is_told_as_address_and_cause(text: str, plain: str) -> None:
    assert errors.plainly(text) == plain


def test_only_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(errors.DiskFull), errors.disk_full_told(tmp_path / "file"):
        raise OSError(errno.EDQUOT, "over the quota")
    with pytest.raises(FileNotFoundError), errors.disk_full_told(tmp_path / "file"):
        (tmp_path / "file").read_text()

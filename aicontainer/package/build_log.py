"""What BuildKit's log of a failed build tells: which step it was, and its last words."""

import re

LONGEST_STEP = 100


def failing_step(log: str) -> tuple[str, str]:
    """The step that failed and its last words, from BuildKit's plain progress; empty texts where it names none."""
    closing = re.search(r"^------\n > (?P<step>\[.*?\] .*?|[^\n]*?):?\n(?P<words>.*?)^------\n", log, re.M | re.S)
    summary = re.search(r"^ERROR: (?:failed to solve: |failed to build: )*(?P<words>.*)", log, re.M)
    if not closing:
        return "", summary["words"].strip() if summary else ""
    words = "\n".join(re.sub(r"^\d+\.\d+ ", "", line) for line in closing["words"].splitlines())
    step = " ".join(closing["step"].split())
    return step if len(step) <= LONGEST_STEP else step[: LONGEST_STEP - 1] + "…", words.strip() or (
        summary["words"].strip() if summary else ""
    )

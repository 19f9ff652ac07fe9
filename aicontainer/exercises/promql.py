"""What can be told of a query in PromQL from its text alone; the checks of notebook 06 make their hints of it."""

import re
from dataclasses import dataclass

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
# Whatever tells how a counter has changed is one of these: a query without any of them sees only totals.
_CHANGE = re.compile(r"\b(rate|irate|increase|delta|idelta|deriv|resets|changes|offset)\b|@|:")


@dataclass(frozen=True)
class Comparison:
    """A condition such as ``a / b > 0.2``: what is compared, how, and with which number."""

    left: str
    operator: str
    bound: float


def ranges(query: str) -> list[float]:
    """The ranges in square brackets, in seconds; of a subquery ``[5m:1s]`` the first part."""
    found = re.findall(r"\[\s*((?:\d+(?:ms|s|m|h|d))+)", query)
    return [sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text)) for text in found]


def seconds(duration: str) -> float:
    """A duration such as ``1m30s`` in seconds; 0 for an empty text."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))


def sees_change(query: str) -> bool:
    """Whether the query can tell how a counter has changed (or takes a recorded series, whose name has a colon)."""
    return bool(_CHANGE.search(bare(query)))


def bare(query: str) -> str:
    """The query with its texts emptied: a route has slashes too."""
    return re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', '""', query)


def comparison(query: str) -> Comparison | None:
    """The comparison with a number that a condition ends with, or begins with (``0.2 < a / b``); None without one."""
    number = r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"
    operator = r"(>=|<=|==|!=|>|<)"
    text = query.strip()
    while text.startswith("(") and text.endswith(")") and _is_one_pair(text):
        text = text[1:-1].strip()
    if found := re.fullmatch(rf"(.+?)\s*{operator}\s*{number}", text, re.S):
        return Comparison(found[1].strip(), found[2], float(found[3]))
    if found := re.fullmatch(rf"{number}\s*{operator}\s*(.+)", text, re.S):
        turned = found[2].translate(str.maketrans("<>", "><"))
        return Comparison(found[3].strip(), turned, float(found[1]))
    return None


def _is_one_pair(text: str) -> bool:
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at == len(text) - 1
    return False

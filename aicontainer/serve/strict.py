"""JSON taken at its word (RFC 8259), and where in it a fault stands.

msgspec reads quickly and strictly, with two gaps: of a name that stands twice in an object it takes the last value, and
it passes over what nobody asked for. Whether there is a gap is cheap to see: a string costs two quotation marks, so a
body with just as many as the strings that were taken from it holds nothing else. Any other is read again, slowly.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from aicontainer.errors import RequestError

WHOLE_BODY = "$"
NOT_FINITE = "not a finite number"
LONGEST_PATH = 200
SEARCHED = 150


class _Twice:
    """Stands for an object in which ``name`` came twice."""

    def __init__(self, name: str) -> None:
        self.name = name


class _NotFinite:
    """Stands for ``NaN``, ``Infinity`` or ``-Infinity``, which many programs write and JSON does not have."""


def is_accounted(body: bytes, strings: int) -> bool:
    """Whether ``body``, which msgspec took for JSON, can hold no more strings than these: no unseen names."""
    return has(body, b'"', 2 * strings)


def has(body: bytes, mark: bytes, count: int) -> bool:
    """Whether just so many of these marks stand in it."""
    if len(body) < SEARCHED * count:
        return body.count(mark) == count
    # few in a long text: searching skips through what lies between them several times as fast as counting goes
    place, left = body.find(mark), count
    while place >= 0 and left >= 0:
        place, left = body.find(mark, place + 1), left - 1
    return left == 0


def check(body: bytes) -> None:
    """Read the whole body as JSON, whatever it is for.

    Raises
    ------
    RequestError
        With status 400, when it is no JSON text in UTF-8, or when an object has a name twice; with the place.
    """
    seen: list[object] = []  # faults that the parser lets pass; where there is none, nobody needs to look for them

    def pairs(items: list[tuple[str, Any]]) -> Any:
        found = dict(items)
        if len(found) == len(items):
            return found
        names = [name for name, _ in items]
        seen.append(names)
        return _Twice(next(name for place, name in enumerate(names) if name in names[:place]))

    def constant(text: str) -> _NotFinite:
        seen.append(text)
        return _NotFinite()

    try:
        # whole numbers as float: it takes any number of digits, and nobody needs the value
        content = json.loads(body.decode(), object_pairs_hook=pairs, parse_constant=constant, parse_int=float)
        place, what = next(_faults(content, ""), ("", "")) if seen else ("", "")
    except UnicodeDecodeError as error:
        raise RequestError(f"the text is not UTF-8, from byte {error.start} on", path=WHOLE_BODY) from error
    except RecursionError as error:
        raise RequestError("lists or objects are nested too deep", path=WHOLE_BODY) from error
    except ValueError as error:
        raise RequestError(f"the body is not JSON: {error}", path=WHOLE_BODY) from error
    if what:
        raise RequestError(what, path=_sayable(place))


def _sayable(path: str) -> str:
    """Without halves of surrogate pairs, which Python takes from ``"\\ud800"`` and UTF-8 cannot hold."""
    return path.encode(errors="backslashreplace").decode()


def explained(error: Exception, body: bytes, inside: str = "") -> RequestError:
    """The refusal of a body that msgspec did not take; ``inside`` is where the text that it read stands."""
    if isinstance(error, msgspec.ValidationError):
        return _invalid(error, inside)
    try:
        check(body)  # it names places that msgspec's parser does not know
    except RequestError as refusal:
        return refusal
    return RequestError(f"the body is not JSON: {str(error).lower()}", path=inside or WHOLE_BODY)


def _invalid(error: msgspec.ValidationError, inside: str) -> RequestError:
    """From msgspec's words, which end in ``- at `$.inputs[0].shape[1]```, to a path below ``inside``."""
    said, _, place = str(error).partition(" - at `$")
    path = (inside + place.rstrip("`")).removeprefix(".")
    field = re.fullmatch(r"Object (missing required|contains unknown) field `(.+)`", said, re.DOTALL)
    if field:
        what = "this field is missing" if field[1] == "missing required" else "there is no such field"
        return RequestError(what, path=f"{path}.{field[2]}".removeprefix(".")[:LONGEST_PATH])
    if said == "Number out of range":
        return RequestError(f"{NOT_FINITE}: beyond the range of float64", path=path or WHOLE_BODY)
    said = said.replace("Expected `float`", "expected a number")
    if said.startswith("expected a number"):
        said = said.replace("got `null`", "got `null` (JSON has no NaN)")
    return RequestError(said[0].lower() + said[1:], path=path[:LONGEST_PATH] or WHOLE_BODY)


def _faults(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Place and kind of each fault, in the order of the text; paths are written only on the way to one."""
    if isinstance(value, _NotFinite):
        yield path or WHOLE_BODY, NOT_FINITE
    elif isinstance(value, _Twice):
        yield f"{path}.{value.name}".removeprefix(".")[:LONGEST_PATH], "this name stands here twice"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            if not isinstance(item, float | int | str):
                yield from _faults(item, f"{path}[{place}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _faults(item, f"{path}.{name}".removeprefix("."))

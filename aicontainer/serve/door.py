"""The door for people: ``POST /predict`` with rows whose features have names, or stand in the model's order.

    {"rows": [{"income": 3.2, "rooms": 5}]}    or    {"rows": [[3.2, 5]]}

Unlike the protocol it takes no field that it does not know: what people write by hand has slips in it.
"""

import json
import math
import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np

from aicontainer.errors import RequestError
from aicontainer.model import Array
from aicontainer.serve import strict
from aicontainer.serve.about import About


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    rows: msgspec.Raw


_BODY = msgspec.json.Decoder(_Body)
_NAMED = msgspec.json.Decoder(list[dict[str, float]])
_LISTED = msgspec.json.Decoder(list[list[float]])
_ENCODER = msgspec.json.Encoder()
ROWS = "rows"


class Named(msgspec.Struct, frozen=True):
    """Rows of shape (n, d) that came through this door; ``by_name`` says whether the features had their names."""

    values: Array
    features: tuple[str, ...]
    by_name: bool

    def place(self, row: int, column: int) -> str:
        """Where a number stood in the request, such as ``rows[0].income`` or ``rows[0][2]``."""
        inside = f".{self.features[column]}" if self.by_name else f"[{column}]"
        return f"{ROWS}[{row}]{inside}"[: strict.LONGEST_PATH]


class Reader:
    """Reads the bodies for a model of these features."""

    def __init__(self, features: tuple[str, ...], row_limit: int) -> None:
        self._features = features
        self._names = frozenset(features)
        self._row_limit = row_limit
        self._in_order: Callable[[dict[str, float]], Any] = itemgetter(*features)

    def read(self, body: bytes) -> Named:
        """The rows of a body.

        Raises
        ------
        RequestError
            With the place of the first fault, and status 400, or 413 above the limit of rows.
        """
        try:
            text = bytes(_BODY.decode(body).rows)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise strict.explained(error, body) from error
        by_name = not text[1:].lstrip().startswith(b"[")
        try:
            rows: list[Any] = (_NAMED if by_name else _LISTED).decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            strict.check(body)
            raise _explained(error, text) from error
        if not strict.is_accounted(body, 1 + sum(map(len, rows)) if by_name else 1):
            strict.check(body)
        self._check_count(len(rows))
        return Named(self._named(rows) if by_name else self._listed(rows), self._features, by_name)

    def _check_count(self, count: int) -> None:
        if count < 1:
            raise RequestError("at least one row is needed", path=ROWS)
        if count > self._row_limit:
            what = f"a request may have {self._row_limit} rows at most, got {count}"
            raise RequestError(what, path=ROWS, status=413)

    def _named(self, rows: list[dict[str, float]]) -> Array:
        for number, row in enumerate(rows):
            if row.keys() != self._names:
                raise self._misnamed(row, f"{ROWS}[{number}]")
        table = np.array(list(map(self._in_order, rows)), dtype=np.float64)
        return table.reshape(len(rows), len(self._features))

    def _misnamed(self, row: dict[str, float], path: str) -> RequestError:
        unknown = [name for name in row if name not in self._names]
        if unknown:
            import difflib  # not before a name is wrong: the start need not wait for it

            near = difflib.get_close_matches(unknown[0][:100], self._features[:1000], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            what, name = f"this model has no such feature{hint}", unknown[0]
        else:
            what, name = "this feature is missing", next(name for name in self._features if name not in row)
        return RequestError(what, path=f"{path}.{name}"[: strict.LONGEST_PATH])

    def _listed(self, rows: list[list[float]]) -> Array:
        width = len(self._features)
        for number, row in enumerate(rows):
            if len(row) != width:
                what = f"this model takes {width} features a row, got {len(row)}"
                raise RequestError(what, path=f"{ROWS}[{number}]")
        return np.array(rows, dtype=np.float64)


def _explained(error: Exception, text: bytes) -> RequestError:
    """The refusal of rows; the parser writes ``[...]`` for the name of a feature, so that is looked up."""
    refusal = strict.explained(error, text, ROWS)
    found = re.fullmatch(r"rows\[(\d+)\]\[\.\.\.\]", refusal.path)
    if not found:
        return refusal
    row = json.loads(text, parse_int=float)[int(found[1])]  # whole numbers of any length
    name = next((name for name, value in row.items() if not _is_number(value)), "")
    return RequestError(refusal.what, path=f"{ROWS}[{found[1]}].{name}"[: strict.LONGEST_PATH])


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def answer(about: About, predict: Array, score: Array) -> bytes:
    """The body that goes back: predictions and scores, each of shape (n,), with their unit and the model's version."""
    return _ENCODER.encode(
        {
            "model": about.name,
            "version": about.version,
            "target": about.target,
            "unit": about.unit,
            "predictions": predict.tolist(),
            "scores": score.tolist(),
        }
    )

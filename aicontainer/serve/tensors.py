"""The inputs of an inference request become rows: one input of all features, or one input for each feature, by name."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from aicontainer.errors import RequestError
from aicontainer.model import Array
from aicontainer.serve import binary, datatypes, flat, strict
from aicontainer.serve.datatypes import Datatype, OutOfRange

ROWS = "rows"
Parameters = dict[str, str | int | float | bool | None]
NO_DATA = msgspec.Raw()

_LISTS = {kind: msgspec.json.Decoder(list[kind]) for kind in (float, int, bool)}  # type: ignore[valid-type]
_NESTED = {kind: msgspec.json.Decoder(list[list[kind]]) for kind in (float, int, bool)}  # type: ignore[valid-type]


class Input(msgspec.Struct):
    """One input, as it stands in the JSON; its data stay text until its datatype is known."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = NO_DATA
    parameters: Parameters | None = None


class Rows(msgspec.Struct, frozen=True):
    """Rows of shape (n, d), row-major float64, in the order of the model's features, and where each number stood.

    ``places`` has one entry for each input that the columns came from, ``nested`` says whether its data were lists in
    a list. From a binary tensor there may be NaN and infinity in it.
    """

    values: Array
    places: tuple[str, ...]
    nested: tuple[bool, ...]

    def place(self, row: int, column: int) -> str:
        """Where a number stood in the request, such as ``inputs[0].data[3]``."""
        if len(self.places) == 1:
            width = self.values.shape[1]
            inside = f"[{row}][{column}]" if self.nested[0] else f"[{row * width + column}]"
            return f"{self.places[0]}.data{inside}"
        return f"{self.places[column]}.data[{row}]" + ("[0]" if self.nested[column] else "")


def read(inputs: Sequence[Input], features: tuple[str, ...], row_limit: int, pieces: binary.Pieces) -> Rows:
    """The rows that the inputs hold together.

    Raises
    ------
    RequestError
        With the place of the first fault: names, shapes, datatypes, numbers.
    """
    # first of all: who sends texts must hear that, and not of a shape
    kinds = [datatypes.find(given.datatype, f"inputs[{number}].datatype") for number, given in enumerate(inputs)]
    if len(inputs) == 1 and inputs[0].name == ROWS and (len(inputs[0].shape) == 2 or ROWS not in features):
        given = inputs[0]
        count = _checked_count(given.shape, len(features), row_limit)
        values, nested = _values(given, kinds[0], "inputs[0]", count, len(features), pieces)
        return Rows(values.reshape(count, len(features)), ("inputs[0]",), (nested,))
    return _by_feature(inputs, kinds, features, row_limit, pieces)


def _by_feature(
    inputs: Sequence[Input],
    kinds: Sequence[Datatype],
    features: tuple[str, ...],
    row_limit: int,
    pieces: binary.Pieces,
) -> Rows:
    column_of = {name: column for column, name in enumerate(features)}
    columns: dict[int, tuple[Array, str, bool]] = {}
    count = 0
    for number, (given, kind) in enumerate(zip(inputs, kinds, strict=True)):
        place = f"inputs[{number}]"
        column = column_of.get(given.name, -1)
        if column < 0:
            what = f"there is no input {given.name[:60]!r}; send one input {ROWS!r}, or one for each feature"
            raise RequestError(what, path=f"{place}.name")
        if column in columns:
            raise RequestError(f"the input {given.name[:60]!r} came before", path=f"{place}.name")
        length = _checked_length(given.shape, place, row_limit)
        if columns and length != count:
            raise RequestError(f"the inputs before have {count} rows, this one {length}", path=f"{place}.shape[0]")
        count = length
        values, nested = _values(given, kind, place, count, 1, pieces)
        columns[column] = (values, place, nested)
    missing = [name for name in features if column_of[name] not in columns]
    if missing:
        named = ", ".join(name[:60] for name in missing[:5])
        what = f"needed is one input {ROWS!r}, or one for each feature; {len(missing)} are missing: {named}"
        raise RequestError(what, path="inputs")
    ordered = [columns[column] for column in range(len(features))]
    table = np.column_stack([values for values, _, _ in ordered])
    return Rows(table, tuple(place for _, place, _ in ordered), tuple(nested for _, _, nested in ordered))


def _checked_count(shape: list[int], width: int, row_limit: int) -> int:
    if len(shape) != 2:
        what = f"the shape must be [number of rows, {width}], got {len(shape)} numbers"
        raise RequestError(what, path="inputs[0].shape")
    _check_rows(shape[0], "inputs[0].shape[0]", row_limit)
    if shape[1] != width:
        raise RequestError(f"this model takes {width} features a row, got {shape[1]}", path="inputs[0].shape[1]")
    return shape[0]


def _checked_length(shape: list[int], place: str, row_limit: int) -> int:
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        what = "the shape of a single feature must be [number of rows] or [number of rows, 1]"
        raise RequestError(what, path=f"{place}.shape")
    _check_rows(shape[0], f"{place}.shape[0]", row_limit)
    return shape[0]


def _check_rows(count: int, path: str, row_limit: int) -> None:
    if count < 1:
        raise RequestError(f"at least one row is needed, got {count}", path=path)
    if count > row_limit:
        raise RequestError(f"a request may have {row_limit} rows at most, got {count}", path=path, status=413)


def _values(
    given: Input, datatype: Datatype, place: str, count: int, width: int, pieces: binary.Pieces
) -> tuple[Array, bool]:
    """The numbers of one input, shape (count * width,), and whether they were lists in a list."""
    size = (given.parameters or {}).get(binary.SIZE)
    if size is not None:
        return _binary_values(given, datatype, place, count * width, pieces), False
    if given.data is NO_DATA:
        raise RequestError("this field is missing", path=f"{place}.data")
    text = bytes(given.data)
    nested = text[1:].lstrip().startswith(b"[")
    try:
        if nested:
            return _nested_values(text, datatype, count, width, f"{place}.data"), True
        values = _flat_values(text, datatype)
    except msgspec.ValidationError as error:
        raise strict.explained(error, text, f"{place}.data") from error
    except OutOfRange as error:
        inside = f"[{error.place // width}][{error.place % width}]" if nested else f"[{error.place}]"
        raise RequestError(error.what, path=f"{place}.data{inside}") from error
    if len(values) != count * width:
        what = f"the shape says {count} x {width} = {count * width} numbers, got {len(values)}"
        raise RequestError(what, path=f"{place}.data")
    return values, False


def _flat_values(text: bytes, datatype: Datatype) -> Array:
    if datatype.kind is float:
        return datatype.rounded(flat.read(text))
    return datatype.from_list(_LISTS[datatype.kind].decode(text))


def _nested_values(text: bytes, datatype: Datatype, count: int, width: int, path: str) -> Array:
    rows: list[list[Any]] = _NESTED[datatype.kind].decode(text)
    if len(rows) != count:
        raise RequestError(f"the shape says {count} rows, got {len(rows)}", path=path)
    for place, row in enumerate(rows):
        if len(row) != width:
            raise RequestError(f"the shape says {width} numbers a row, got {len(row)}", path=f"{path}[{place}]")
    return datatype.from_list([value for row in rows for value in row])


def _binary_values(given: Input, datatype: Datatype, place: str, count: int, pieces: binary.Pieces) -> Array:
    path = f"{place}.parameters.{binary.SIZE}"
    size = (given.parameters or {})[binary.SIZE]
    if given.data is not NO_DATA:
        raise RequestError("an input has either data or a binary_data_size", path=path)
    if type(size) is not int or size != count * datatype.size:
        what = f"the shape says {count} x {datatype.size} = {count * datatype.size} bytes, got {size!r}"
        raise RequestError(what[:200], path=path)
    try:
        return datatype.from_bytes(pieces.take(size, path))
    except OutOfRange as error:
        raise RequestError(error.what, path=f"{place}.data[{error.place}]") from error

"""The checks of notebook 03_serve: a request refused at a place, digits, what counters tell, all rows a few at a time.

Which case it is, the server says: its model has the name of the case.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from aicontainer.errors import ServerError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link
from aicontainer.model import Array, Model, load
from aicontainer.serve.client import Server

REFUSED_ROWS = 3
REFUSED_PLACE = 16
REFUSED_PATH = f"inputs[0].data[{REFUSED_PLACE}]"
NEXT_PATH = f"inputs[0].data[{REFUSED_PLACE + 1}]"
GONE = "the server does not answer any more: start it again, and run the cells from there on"

DURATION = "http_request_duration_seconds"
MILLI = 1e3

ROWS_AT_A_TIME = 7
INFER = "/v2/models/{name}/infer"
MOST_DIGITS = 30
CLOSE = 1e-6
# the counters only grow: after a wrong piece no further request can make them right
AGAIN = f"start a new one (the cell with body_limit=2000) and send all rows once, {ROWS_AT_A_TIME} in each request"


def check_refusal(server: Server, my_request: Any) -> Check:
    """Check the body of a request that is refused with 400 at ``inputs[0].data[16]``: its text, or a dictionary for it.

    It is sent to the running server, whose counters must tell of one more refusal.
    """
    if my_request is None:
        return not_done("my_request is None; put the text of a request into it")
    body = json.dumps(my_request) if isinstance(my_request, dict) else my_request
    if not isinstance(body, str | bytes):
        return wrong("my_request must be the text of a body: json.dumps writes one")
    try:
        refusals = _refusals(server)
        answer = _send(server, body)
        if isinstance(answer, ServerError):
            width = int(server.metadata()["inputs"][0]["shape"][1])
            return _judge_refusal(answer, body, width, counted=_refusals(server) > refusals)
    except ServerError:
        return wrong(GONE)
    return wrong("the server has answered it with 200: nothing in it is wrong")


def _refusals(server: Server) -> float:
    return server.count(f"{DURATION}_count", route=INFER, status="400")


def _send(server: Server, body: str | bytes) -> bytes | ServerError:
    try:
        return server.post(body)
    except ServerError as error:
        if error.status == 0:
            raise
        return error


def _judge_refusal(refusal: ServerError, body: str | bytes, width: int, *, counted: bool) -> Check:
    path = refusal.path
    row, column = divmod(REFUSED_PLACE, width)
    if refusal.status != 400:
        return wrong(f"the server refuses it with {refusal.status}, not 400: {refusal.what.partition(': ')[2]}")
    hints = {
        "$": "the whole body is refused: it is not JSON, or not an object",
        f"inputs[0].data[{row}][{column}]": (
            f"the server names {path}: the right number, but the rows must stand in one flat list"
        ),
        NEXT_PATH: f"the server names {path}: places are counted from 0",
        f"inputs[0].data[{column * REFUSED_ROWS + row}]": (
            f"the server names {path}: are the numbers one row after the other, not one column?"
        ),
    }
    if path in hints:
        return wrong(hints[path])
    if not re.match(r"inputs\[0\]\.data(\[|$)", path):
        return wrong(f"the server names {path}: it gets no further than that, so set this right first")
    if path == "inputs[0].data":
        return wrong("the server names inputs[0].data: the shape asks for another count of numbers")
    if path != REFUSED_PATH:
        return wrong(f"the server names {path}, and {REFUSED_PATH} is wanted")
    if _rows_in(body) != REFUSED_ROWS:
        return wrong(f"the place is right, but the request must have {REFUSED_ROWS} rows")
    if not counted:
        return wrong("the place is right, but the server has counted no refusal: is this the right server?")
    return right(f"refused with 400 at {REFUSED_PATH}, and counted: feature {column + 1} of row {row + 1}")


def _rows_in(body: str | bytes) -> int:
    try:
        return int(json.loads(body)["inputs"][0]["shape"][0])
    except (ValueError, LookupError, TypeError):  # a NaN is refused before the shape is looked at
        return 0


def check_digits(scores: Array, my_digits: Any) -> Check:
    """Check the smallest count of significant digits with which each of ``scores`` comes back with the same bits."""
    if my_digits is None:
        return not_done("my_digits is None; put in a whole number")
    digits = _number(my_digits)
    if digits is None or digits != int(digits) or not 1 <= digits <= MOST_DIGITS:
        return wrong(f"my_digits must be one whole number from 1 to {MOST_DIGITS}")
    fewest = next(count for count in range(1, MOST_DIGITS + 1) if _survive(scores, count))
    if digits == fewest:
        return right(f"{fewest} significant digits bring each of the {len(scores)} scores back")
    if digits > fewest:
        return wrong(f"{digits:.0f} digits do it, but for these scores fewer do too: try them one after the other")
    known = {
        15: "15 digits are what a float64 keeps of any decimal text; asked is what text keeps of a float64",
        16: "16 digits bring many of the scores back, but not each one: test all of them",
    }
    return wrong(known.get(int(digits), f"with {digits:.0f} digits most scores come back as another float"))


def _survive(scores: Array, digits: int) -> bool:
    return all(float(f"{score:.{digits}g}") == score for score in scores)


def check_counters(server: Server, my_refused: Any, my_mean: Any) -> Check:
    """Check how many requests were refused, and the mean time in seconds of predictions that were answered with 200.

    Both are computed again from what the server shows now.
    """
    if my_refused is None and my_mean is None:
        return not_done("my_refused and my_mean are None; read them off the server's counters")
    try:
        counted = _Counted(server.metrics())
    except ServerError:
        return wrong(GONE)
    return (
        _judge_refused(my_refused, counted)
        or _judge_mean(my_mean, counted)
        or right(f"{counted.refused():.0f} requests were refused, and your mean is that of the answered ones")
    )


class _Counted:
    """Sums over the samples of one look at a server's metrics."""

    def __init__(self, metrics: str) -> None:
        self._samples = [each for family in text_string_to_metric_families(metrics) for each in family.samples]

    def sum(self, name: str, wanted: Callable[[dict[str, str]], bool]) -> float:
        return sum(each.value for each in self._samples if each.name == name and wanted(each.labels))

    def requests(self, wanted: Callable[[dict[str, str]], bool]) -> float:
        return self.sum(f"{DURATION}_count", wanted)

    def refused(self) -> float:
        return self.requests(lambda labels: labels["status"].startswith("4"))

    def mean(self, wanted: Callable[[dict[str, str]], bool]) -> float:
        return self.sum(f"{DURATION}_sum", wanted) / max(self.requests(wanted), 1)


def _for_predictions(labels: dict[str, str]) -> bool:
    return labels["route"] == INFER


def _answered(labels: dict[str, str]) -> bool:
    return labels["route"] == INFER and labels["status"] == "200"


def _judge_refused(given: Any, counted: _Counted) -> Check | None:
    if given is None:
        return not_done("my_refused is still None")
    number = _number(given)
    if number is None:
        return wrong("my_refused must be one number")
    if number == counted.refused():
        return None
    faults = {
        "counts the route of predictions only: what the wire refuses, and other addresses, are the route unknown": (
            counted.requests(lambda labels: _for_predictions(labels) and labels["status"].startswith("4"))
        ),
        "counts the status 400 only: 404, 405, 413 and others are refusals too": counted.requests(
            lambda labels: labels["status"] == "400"
        ),
        "counts the route unknown only: requests for a prediction can be refused too": counted.requests(
            lambda labels: labels["route"] == "unknown"
        ),
        "counts those that were answered": counted.requests(_answered),
        "counts every request: refused are those with a status of 4xx": counted.requests(_for_predictions),
        "counts failures of the server (5xx): refused are those with a status of 4xx": counted.requests(
            lambda labels: labels["status"].startswith("5")
        ),
    }
    fault = next((fault for fault, value in faults.items() if value == number), "")
    return wrong(f"my_refused {fault or 'is not what the counters say now: add up each status 4xx of each route'}")


def _judge_mean(given: Any, counted: _Counted) -> Check | None:
    if given is None:
        return not_done("my_refused is right, and my_mean is still None")
    number = _number(given)
    if number is None:
        return wrong("my_mean must be one number")
    mean, seconds = counted.mean(_answered), counted.sum(f"{DURATION}_sum", _answered)
    if _close(number, mean):
        return None
    faults = {
        "is the sum of all times: divide it by their count": seconds,
        "is requests a second: divide the other way round": 1 / mean if mean else math.inf,
        "is in milliseconds: the counters, and the answer, are in seconds": MILLI * mean,
        "takes in the refused requests: only those with 200 are asked for": counted.mean(_for_predictions),
        "is the time for a row: divide by the number of requests": seconds
        / max(counted.sum("predicted_rows_total", lambda labels: True), 1),
    }
    fault = next((fault for fault, value in faults.items() if _close(number, value)), "")
    # a mean over all routes cannot be told: to look at the metrics is a request too, and changes it
    return wrong(f"my_mean {fault or 'is not what the counters say now: read route infer and status 200 alone, again'}")


def _number(given: Any) -> float | None:
    try:
        return float(given)
    except (TypeError, ValueError):
        return None


def _close(number: float, value: float) -> bool:
    return math.isclose(number, value, rel_tol=CLOSE)


def check_chunks(server: Server, my_loss: Any) -> Check:
    """Check that ``server`` predicted all rows, 7 in each request, and that ``my_loss`` is the loss of what it serves.

    What was typed does not count: the server's own counters are read, and the model file is measured again here.
    """
    try:
        served = server.metadata()["parameters"]["sha256"]
        rows = round(server.count("predicted_rows_total"))
        requests = round(server.count("http_request_duration_seconds_count", route=INFER, status="200"))
    except ServerError:
        return wrong("the server does not answer any more: start it again, then send the rows")
    if rows == 0:
        return not_done("the server has predicted no row so far")
    model, dataset = load(fit.ensure_model(server.model)), data.load(server.model)
    if served != model.digest:
        return wrong("this server has another model than your model file: start it again with model_file")
    return _judge_requests(rows, requests, len(dataset.y)) or _judge_loss(my_loss, model, dataset, rows, requests)


def _judge_requests(rows: int, requests: int, wanted: int) -> Check | None:
    if rows % wanted:
        return wrong(f"the server predicted {rows} rows, and {wanted} are needed: {AGAIN}")
    if requests != rows // wanted * math.ceil(wanted / ROWS_AT_A_TIME):
        return wrong(f"the server predicted {rows} rows in {requests} requests: {AGAIN}")
    return None


def _judge_loss(my_loss: Any, model: Model, dataset: data.Dataset, rows: int, requests: int) -> Check:
    if my_loss is None:
        return not_done(f"the server predicted {rows} rows, and my_loss is still None")
    try:
        given = float(my_loss)
    except (TypeError, ValueError):
        return wrong("my_loss must be one number")
    loss = for_link(dataset.link).loss(model.score(dataset.X), dataset.y)
    if given.hex() == loss.hex():
        return right(f"{rows} rows in {requests} requests, and a loss of {loss:#.9g}: the same to the last bit")
    if np.isclose(given, loss, rtol=CLOSE, atol=0):
        return wrong("my_loss is right to some digits, not to the last bit: collect all scores, then take one loss")
    return wrong(f"my_loss is {given:.9g}: are the scores in the order of the rows?")

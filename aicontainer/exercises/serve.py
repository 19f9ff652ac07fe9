"""The check of notebook 03_serve: all rows through a server that takes a few at a time, and the loss of its answers."""

from typing import Any

import numpy as np

from aicontainer.errors import ServerError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.loss import mean_squared_error
from aicontainer.model import Model, load
from aicontainer.serve.client import Server

ROWS_AT_A_TIME = 7
INFER = "/v2/models/{name}/infer"
CLOSE = 1e-6
# the counters only grow: after a wrong piece no further request can make them right
AGAIN = f"start a new one (the cell with body_limit=2000) and send all rows once, {ROWS_AT_A_TIME} in each request"


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
    model, dataset = load(fit.ensure_model()), data.load(fit.DEFAULT)
    if served != model.digest:
        return wrong("this server has another model than your model file: start it again with fit.ensure_model()")
    return _judge_requests(rows, requests, len(dataset.y)) or _judge_loss(my_loss, model, dataset, rows, requests)


def _judge_requests(rows: int, requests: int, wanted: int) -> Check | None:
    if rows % wanted:
        return wrong(f"the server predicted {rows} rows, and {wanted} are needed: {AGAIN}")
    if rows != requests * ROWS_AT_A_TIME:
        return wrong(f"the server predicted {rows} rows in {requests} requests: {AGAIN}")
    return None


def _judge_loss(my_loss: Any, model: Model, dataset: data.Dataset, rows: int, requests: int) -> Check:
    if my_loss is None:
        return not_done(f"the server predicted {rows} rows, and my_loss is still None")
    try:
        given = float(my_loss)
    except (TypeError, ValueError):
        return wrong("my_loss must be one number")
    loss = mean_squared_error(model.score(dataset.X), dataset.y)
    if given.hex() == loss.hex():
        return right(f"{rows} rows in {requests} requests, and a loss of {loss:#.9g}: the same to the last bit")
    if np.isclose(given, loss, rtol=CLOSE, atol=0):
        return wrong("my_loss is right to some digits, not to the last bit: collect all scores, then take one loss")
    return wrong(f"my_loss is {given:.9g}: are the scores in the order of the rows?")

#!/usr/bin/env python3
"""Where the microseconds of a request go: ``.venv/bin/python benchmarks/serve_profile.py``.

Each part of the server is timed alone, in one process, on requests of 1 and of 100 rows, as many at once as ``wrk`` has
connections; the whole is one second over the rate that ``wrk`` reaches with the server alone on the first core. What
the parts leave of it is the kernel's sockets and the event loop. Needs ``wrk``; nothing else should run meanwhile.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast
from unittest.mock import patch

import numpy as np
import serve_load as load
import serve_others as others

from aicontainer.learn import data, fit
from aicontainer.model import Model
from aicontainer.serve import protocol
from aicontainer.serve.app import ROW_LIMIT
from aicontainer.serve.connection import Connection
from aicontainer.serve.logs import Log
from aicontainer.serve.metrics import Metrics
from aicontainer.serve.request import Answering, Reply, Request
from aicontainer.serve.serving import Serving
from aicontainer.serve.settings import Limits
from aicontainer.serve.wire import Wire

SIZES = (1, 100)
REPEATS, ROUNDS = 100, 40
INFER = f"/v2/models/{load.MODEL}/infer"
ROUTE = "/v2/models/{name}/infer"


class Nowhere:
    """A transport that takes every answer, and sends none."""

    def set_write_buffer_limits(self, high: int) -> None:
        """Nothing is kept."""

    def is_closing(self) -> bool:
        """Never."""
        return False

    def write(self, data: bytes) -> None:
        """Gone."""


class Mute:
    """An application that answers all at once, and nothing: what is left is the wire's own time."""

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        """One answer for each."""
        return [EMPTY] * len(requests)


EMPTY = Reply(200, b"{}")


def microseconds(work: Callable[[], object]) -> float:
    """The least of several rounds, for one call."""
    found = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(REPEATS):
            work()
        found.append((time.perf_counter() - begun) / REPEATS * 1e6)
    return min(found)


def parts(model: Model, body: bytes) -> dict[str, float]:
    """Microseconds of each part that can be timed without a socket, for one request of a turn."""
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    wire = Wire(cast(Answering, Mute()), Limits(), lambda work: None)
    connections = [Connection(wire) for _ in range(load.CONNECTIONS)]
    for connection in connections:
        connection.connection_made(cast(asyncio.Transport, Nowhere()))

    def pass_on() -> None:
        for connection in connections:
            connection.data_received(whole)
        wire.answer()

    whole = head.encode() + body
    metrics = Metrics(model)
    serving = Serving(model, ROW_LIMIT, lambda scaled, score: None)
    asked = [protocol.decode({}, body, model.features, ROW_LIMIT)] * load.CONNECTIONS
    rows = np.concatenate([each.rows.values for each in asked])
    score, scaled = model.score(rows), model.scaling(rows)
    encoder = protocol.Encoder(model)
    mine = score[: len(rows) // load.CONNECTIONS]
    request = Request("POST", INFER, "", {}, body)
    with Path("/dev/null").open("w") as nowhere:
        log = Log(nowhere)

        def count() -> None:
            metrics.answered(ROUTE, 200, 1e-5)
            log.answered(request, ROUTE, 200, 1e-5, len(mine))

        with patch.object(protocol.Encoder, "reply", lambda *given: EMPTY):
            predict = microseconds(lambda: serving.together(asked)) / load.CONNECTIONS
        return {
            "HTTP": microseconds(pass_on) / load.CONNECTIONS,
            "decode": microseconds(lambda: protocol.decode({}, body, model.features, ROW_LIMIT)),
            "predict": predict,
            "encode": microseconds(lambda: encoder.reply(asked[0], mine, mine)),
            "count and log": microseconds(count)
            + microseconds(lambda: metrics.predicted(scaled, score)) / load.CONNECTIONS,
        }


def whole(file: Path, body: bytes, folder: Path) -> float:
    """Microseconds of a request at saturation, on one core."""
    (ours,) = others.chosen(["ours"])
    content = folder / "body.json"
    content.write_bytes(body)
    with load.started(ours, file, "0") as server:
        load.most(server, ours.path, content, 1, "1")  # to warm up
        return 1e6 / load.most(server, ours.path, content, 3, "1")


def main() -> None:
    """Measure and print."""
    found = data.load("education")
    model = fit.train(found)
    columns = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = model.save(folder / "education.json")
        for size in SIZES:
            body = others.by_protocol(np.resize(found.X, (size, found.X.shape[1])).tolist())
            known, all_of_it = parts(model, body), whole(file, body, folder)
            columns[size] = known | {"kernel, event loop": all_of_it - sum(known.values()), "whole": all_of_it}
    print(f"{'microseconds of a request':<26}" + "".join(f"{size:>8} row{'s' * (size > 1):<1}" for size in SIZES))
    for part in columns[SIZES[0]]:
        print(f"{part:<26}" + "".join(f"{columns[size][part]:12.1f}" for size in SIZES))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Where the microseconds of a request go: ``.venv/bin/python benchmarks/serve_profile.py``.

Each part of the server is timed alone, in one process, on requests of 1 and of 100 rows; the whole is one second over
the rate that ``wrk`` reaches with the server alone on the first core. What the parts leave of it is the kernel's
sockets and the event loop. Needs ``wrk``; nothing else should run on the machine meanwhile.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httptools
import numpy as np
import serve_load as load
import serve_others as others

from aicontainer.learn import data, fit
from aicontainer.model import LINKS, Model
from aicontainer.serve import protocol
from aicontainer.serve.app import ROW_LIMIT
from aicontainer.serve.logs import Log
from aicontainer.serve.metrics import Metrics
from aicontainer.serve.request import Request
from aicontainer.serve.serving import Serving

SIZES = (1, 100)
REPEATS, ROUNDS = 500, 15
INFER = f"/v2/models/{load.MODEL}/infer"
ROUTE = "/v2/models/{name}/infer"


class Ignoring:
    """Takes what the parser calls, and does nothing: the parser's own time."""

    def on_message_complete(self) -> None:
        """The end of a request."""


def microseconds(work: Callable[[], object]) -> float:
    """The median of several rounds, for one call."""
    found = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(REPEATS):
            work()
        found.append((time.perf_counter() - begun) / REPEATS * 1e6)
    return statistics.median(found)


def parts(model: Model, body: bytes) -> dict[str, float]:
    """Microseconds of each part that can be timed without a socket."""
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    whole = head.encode() + body
    parser = httptools.HttpRequestParser(Ignoring())
    serving, encoder, link = Serving(model, ROW_LIMIT), protocol.Encoder(model), LINKS[model.link]
    asked = protocol.decode({}, body, model.features, ROW_LIMIT)
    score = serving.score(asked.rows)
    metrics = Metrics(model)
    request = Request("POST", INFER, "", {}, body)
    with Path("/dev/null").open("w") as nowhere:
        log = Log(nowhere)

        def count() -> None:
            metrics.answered(ROUTE, 200, 1e-5)
            metrics.predicted(asked.rows.values, score)
            log.answered(request, ROUTE, 200, 1e-5, len(score))

        return {
            "parse HTTP": microseconds(lambda: parser.feed_data(whole)),
            "decode": microseconds(lambda: protocol.decode({}, body, model.features, ROW_LIMIT)),
            "predict": microseconds(lambda: link(serving.score(asked.rows))),
            "encode": microseconds(lambda: encoder.reply(asked, link(score), score)),
            "count and log": microseconds(count),
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

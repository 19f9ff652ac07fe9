#!/usr/bin/env python3
"""How fast the course's server is, beside what a user would take instead: ``.venv/bin/python benchmarks/serve.py``.

Each server runs alone on the first core, the load on the second, in turns, in one run; the rates are set against those
of FastAPI + uvicorn in the same round. Needs ``wrk``, ``nginx`` and Go (for fortio); makes each server's environment in
the user's cache at its first use. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import serve_load as load
import serve_others as others

from aicontainer.learn import data, fit
from aicontainer.model import Model, Scaling
from aicontainer.serve.client import Server

SIZES = (1, 100)
SERVER_CORE, LOAD_CORE = "0", "1"
AGAINST = "fastapi"
MANY = 64  # connections

Found = dict[str, list[float]]


def measure(contenders: Sequence[others.Contender], options: argparse.Namespace, folder: Path) -> dict[str, Found]:
    """In each round each server once: rates, ratios, memory, start, and latency at half of its maximum."""
    found: dict[str, Found] = {contender.name: defaultdict(list) for contender in contenders}
    file = fit.train(data.load("education")).save(folder / "education.json")
    X = data.load("education").X
    for number in range(options.rounds):
        for contender in contenders:
            print(f"round {number + 1}: {contender.name}", file=sys.stderr, flush=True)
            own = found[contender.name]
            with load.started(contender, file, SERVER_CORE) as server:
                own["ready"].append(server.ready_seconds)
                for size in SIZES:
                    body = folder / f"{contender.name}-{size}.json"
                    body.write_bytes(contender.body(X[:size].tolist()))
                    load.most(server, contender.path, body, 1, LOAD_CORE)  # to warm up
                    rate = load.most(server, contender.path, body, options.seconds, LOAD_CORE)
                    own[f"rate {size}"].append(rate)
                    slow = load.slowest_percent(server, contender, body, rate / 2, options.seconds, LOAD_CORE)
                    own[f"p99 {size}"].append(slow)
                own["memory"].append(server.memory())
        for size in SIZES if AGAINST in found else ():
            for own in found.values():
                own[f"ratio {size}"].append(own[f"rate {size}"][-1] / found[AGAINST][f"rate {size}"][-1])
    return found


def table(found: dict[str, Found]) -> str:
    """The medians, and of the ratios the range."""
    one = "1 row req/s | ratio (range)      | p99 ms"
    many = "100 rows req/s | ratio (range)      | p99 ms"
    head = f"server    | {one} | {many} | MB  | ready s"
    lines = [head, "-" * len(head)]
    for name, own in found.items():
        middle = {key: statistics.median(values) for key, values in own.items()}
        cells = [f"{name:<9}"]
        for size, width in ((1, 11), (100, 14)):
            ratios = own.get(f"ratio {size}")
            told = f"{middle[f'ratio {size}']:.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else "-"
            cells += [f"{middle[f'rate {size}']:{width}.0f}", f"{told:<18}", f"{middle[f'p99 {size}']:6.2f}"]
        lines.append(" | ".join([*cells, f"{middle['memory']:3.0f}", f"{middle['ready']:.2f}"]))
    return "\n".join(lines)


def least_latency(found: Found, options: argparse.Namespace, folder: Path) -> str:
    """What the generator itself takes: the latency of nginx's fixed answer, at the rates at which ours was asked."""
    (nginx,) = others.chosen(["nginx"])
    with load.started(nginx, folder / "education.json", SERVER_CORE) as server:
        quantiles = [
            load.slowest_percent(
                server,
                nginx,
                folder / f"ours-{size}.json",
                statistics.median(found[f"rate {size}"]) / 2,
                options.seconds,
                LOAD_CORE,
            )
            for size in SIZES
        ]
    told = " and ".join(f"{quantile:.2f} ms" for quantile in quantiles)
    return f"p99 of nginx at the rates at which ours was asked: {told}"


def more_workers(options: argparse.Namespace, folder: Path) -> str:
    """The rates of two workers to those of one, server and load both on both cores, with connections for both."""
    file = folder / "education.json"
    (ours,) = others.chosen(["ours"])
    lines = []
    for size in SIZES:
        body = folder / f"ours-{size}.json"
        rates: dict[str, list[float]] = defaultdict(list)
        for _ in range(options.rounds):
            for workers in ("1", "2"):
                with load.started(ours, file, "0,1", WORKERS=workers) as server:
                    load.most(server, ours.path, body, 1, "0,1")
                    rates[workers].append(load.most(server, ours.path, body, options.seconds, "0,1", MANY))
        ratio = statistics.median(two / one for one, two in zip(rates["1"], rates["2"], strict=True))
        lines.append(f"two workers, {size} rows a request: {ratio:.2f} times one")
    return "\n".join(lines)


def binary(options: argparse.Namespace, folder: Path) -> str:
    """10,000 rows of 30 as a binary tensor: a whole request to the prediction alone and a copy through a socket."""
    random = np.random.default_rng(0)
    width = 30
    columns = random.normal(size=width), random.uniform(0.1, 9, width)
    names = tuple(f"x{number}" for number in range(width))
    model = Model("education", "1", random.normal(size=width), 1.0, "identity", Scaling(*columns), names, "y", "")
    X = random.normal(size=(10_000, width))
    (ours,) = others.chosen(["ours"])
    with load.started(ours, model.save(folder / "wide.json"), SERVER_CORE, BODY_LIMIT=str(2**24)) as running:
        asked = _binary_request(X)
        whole = [_seconds_of_request(running.port, asked) for _ in range(20 * options.rounds)]
        score = Server(f"127.0.0.1:{running.port}").infer(X[:100]).score
    assert score.tobytes() == model.score(X[:100]).tobytes()
    least = [_seconds_of_prediction(model, X) + _seconds_of_copy(X) for _ in range(20 * options.rounds)]
    middle, floor = statistics.median(whole), statistics.median(least)
    return (
        f"binary, 10,000 x 30: {middle * 1e3:.2f} ms a request, prediction and copy alone {floor * 1e3:.2f} ms: "
        f"{middle / floor:.2f} times"
    )


def _binary_request(X: np.ndarray) -> bytes:
    given = {"name": "rows", "shape": list(X.shape), "datatype": "FP64", "parameters": {"binary_data_size": X.nbytes}}
    outputs = [{"name": "score", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": [given], "outputs": outputs}).encode()
    lines = [
        "POST /v2/models/education/infer HTTP/1.1",
        "Host: localhost",
        f"Inference-Header-Content-Length: {len(head)}",
        f"Content-Length: {len(head) + X.nbytes}",
        "Content-Type: application/octet-stream",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + head + X.tobytes()


def _seconds_of_request(port: int, asked: bytes) -> float:
    with socket.create_connection(("127.0.0.1", port)) as link:
        begun = time.perf_counter()
        link.sendall(asked)
        got = b""
        while b"\r\n\r\n" not in got:
            got += link.recv(1 << 20)
        head, _, body = got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), got[:300]
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        while len(body) < length:
            body += link.recv(1 << 20)
        return time.perf_counter() - begun


def _seconds_of_prediction(model: Model, X: np.ndarray) -> float:
    begun = time.perf_counter()
    model.score(X)
    return time.perf_counter() - begun


def _seconds_of_copy(X: np.ndarray) -> float:
    """There as many bytes as the request has, back as many as the answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = socket.create_connection(listener.getsockname())
        taker, _ = listener.accept()
    content = X.tobytes()

    def take() -> None:
        left = len(content)
        while left:
            left -= len(taker.recv(min(left, 1 << 20)))
        taker.sendall(content[: 8 * len(X)])

    with sender, taker:
        other = threading.Thread(target=take)
        begun = time.perf_counter()
        other.start()
        sender.sendall(content)
        left = 8 * len(X)
        while left:
            left -= len(sender.recv(1 << 20))
        other.join()
        return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="a server's name; may be given several times")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each load")
    options = parser.parse_args()
    contenders = others.chosen(options.only)
    for contender in contenders:
        contender.python()
    load.fortio()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = measure(contenders, options, folder)
        print(table(found))
        if "ours" in found:
            print(least_latency(found["ours"], options, folder))
            print(more_workers(options, folder))
            print(binary(options, folder))


if __name__ == "__main__":
    main()

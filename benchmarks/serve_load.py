"""A server on one core, the load on the other: how many requests at most, and how long one takes at half of that."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import serve_others as others

FORTIO = "fortio.org/fortio@v1.63.0"
CONNECTIONS = 16
STEADY_CONNECTIONS = 64
START_LIMIT = 90.0
MODEL = "education"

LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{body}", "rb"); wrk.body = file:read("*a"); file:close()
done = function(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %f %d\\n", summary.requests / (summary.duration / 1e6), bad))
end
"""


@dataclass(frozen=True)
class Running:
    """A server that answers: its address, its process, and how long it took to be ready, in seconds."""

    port: int
    process: "subprocess.Popen[bytes]"
    ready_seconds: float

    def memory(self) -> float:
        """Resident memory of it and of its children, in MB."""
        return sum(_resident(pid) for pid in _family(self.process.pid)) / 1e6


@contextmanager
def started(contender: others.Contender, model_file: Path, cores: str, **environment: str) -> Iterator[Running]:
    """Start a server on these cores; it is ended with its children at the end."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        others.prepare(contender.name, port, folder, _static_answer())
        argv = ["taskset", "-c", cores, *contender.argv(port, folder)]
        told = {"MODEL_FILE": str(model_file), "HOST": "127.0.0.1", "PORT": str(port), "BENTOML_DO_NOT_TRACK": "1"}
        begun = time.perf_counter()
        process = subprocess.Popen(
            argv,
            env={**os.environ, **told, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_ready(process, port, contender.ready, begun + START_LIMIT)
            yield Running(port, process, time.perf_counter() - begun)
        finally:
            for pid in reversed(_family(process.pid)):
                _end(pid)
            process.wait()


def most(server: Running, path: str, body: Path, seconds: float, cores: str, connections: int = CONNECTIONS) -> float:
    """The most requests a second, by ``wrk``.

    Raises
    ------
    SystemExit
        When a request failed: the rate of refusals is no rate.
    """
    script = body.with_suffix(".lua")
    script.write_text(LUA.format(body=body))
    address = f"http://127.0.0.1:{server.port}{path.format(model=MODEL)}"
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), address]
    told = subprocess.run(["taskset", "-c", cores, *words], capture_output=True, text=True, check=True).stdout
    rate, bad = next(line.split()[1:] for line in told.splitlines() if line.startswith("RESULT"))
    if int(bad):
        raise SystemExit(f"{bad} requests to {address} failed")
    return float(rate)


def slowest_percent(
    server: Running, contender: others.Contender, body: Path, rate: float, seconds: float, cores: str
) -> float:
    """The 0.99 quantile of the latency at a fixed rate, in milliseconds, by fortio.

    Each of its connections sends by the clock, and they take turns. Where an answer takes longer than the pause between
    two requests of its connection, the next is sent late, and the figure flatters the server.

    Raises
    ------
    SystemExit
        When a request failed, or when fewer were sent than it should.
    """
    address = f"http://127.0.0.1:{server.port}{contender.path.format(model=MODEL)}"
    words = [str(fortio()), "load", f"-qps={int(rate)}", f"-t={seconds}s", f"-c={STEADY_CONNECTIONS}", "-uniform"]
    words += [f"-keepalive={str(contender.keeps_connections).lower()}", "-payload-file", str(body)]
    words += ["-content-type=application/json", "-r=0.00002", "-loglevel=Error", "-json=-"]
    told = subprocess.run(["taskset", "-c", cores, *words, address], capture_output=True, check=True).stdout
    found = json.loads(told)
    if set(found["RetCodes"]) != {"200"}:
        raise SystemExit(f"fortio: {found['RetCodes']}")
    whole = STEADY_CONNECTIONS * int(rate * seconds / STEADY_CONNECTIONS) / seconds  # as many for each connection
    if found["ActualQPS"] < 0.8 * whole:
        raise SystemExit(f"fortio: {rate:.0f} requests a second were asked for, {found['ActualQPS']:.0f} were sent")
    quantiles = {each["Percentile"]: each["Value"] for each in found["DurationHistogram"]["Percentiles"]}
    return float(quantiles[99]) * 1e3


def fortio() -> Path:
    """The load generator with a fixed rate, a Go program; built once into the cache."""
    program = others.CACHE / "bin" / "fortio"
    if not program.exists():
        go = shutil.which("go") or "go"
        environment = {**os.environ, "GOBIN": str(program.parent), "GOFLAGS": "-mod=mod"}
        subprocess.run([go, "install", FORTIO], check=True, env=environment)
    return program


def _static_answer() -> bytes:
    numbers = {"shape": [1], "datatype": "FP64", "data": [654.1565714285715]}
    outputs = [{"name": name, **numbers} for name in ("predict", "score")]
    return json.dumps({"model_name": MODEL, "model_version": "1", "outputs": outputs}).encode()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, path: str, until: float) -> None:
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise SystemExit(f"it ended with {process.returncode}: {process.args!r}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
                link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                if link.recv(100).split(b" ")[1:2] == [b"200"]:
                    return
        except OSError:
            pass
        time.sleep(0.005)
    raise SystemExit(f"not ready after {START_LIMIT} s: {process.args!r}")


def _family(pid: int) -> list[int]:
    family = [pid]
    for parent in family:
        for thread in Path(f"/proc/{parent}/task").glob("*/children"):
            family += [int(child) for child in thread.read_text().split()]
    return family


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0.0


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, 9)

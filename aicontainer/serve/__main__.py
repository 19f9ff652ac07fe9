"""``python -m aicontainer.serve``: the server as a process, told what to do by its environment.

MODEL_FILE   the model file (must be given)
HOST         the address to listen at, 0.0.0.0 where nothing is said: in a container the outside is another address
PORT         8080
BODY_LIMIT   the largest body that is read, in bytes; 1048576

It ends with 0 on SIGTERM, after the requests that it has begun; anything that is wrong ends with one message.
"""

import errno
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aicontainer import model
from aicontainer.errors import AicontainerError, InputError, MachineError, PortTaken
from aicontainer.serve.app import BODY_LIMIT, Application, make_app

# A slow sender keeps one thread; with a few, probes are answered meanwhile. More would only fight for the interpreter
THREADS = 4
# Kubernetes kills 30 s after SIGTERM: requests that are still running get a third of it
SECONDS_TO_FINISH = 10


@dataclass(frozen=True)
class Settings:
    """What the environment said."""

    model_file: Path
    host: str
    port: int
    body_limit: int


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the four variables.

    Raises
    ------
    InputError
        When one of them cannot be used.
    """
    if not environment.get("MODEL_FILE"):
        raise InputError("MODEL_FILE is not set", next_step="set it to the path of a model file")
    return Settings(
        Path(environment["MODEL_FILE"]),
        environment.get("HOST") or "0.0.0.0",  # noqa: S104  a container is reached from outside only
        _number(environment, "PORT", 8080, 65535),
        _number(environment, "BODY_LIMIT", BODY_LIMIT, 2**31 - 1),
    )


def _number(environment: Mapping[str, str], name: str, otherwise: int, largest: int) -> int:
    text = environment.get(name) or str(otherwise)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= largest):
        raise InputError(f"{name} must be a whole number from 1 to {largest}", seen=text[:40])
    return int(text)


def _check_port(host: str, port: int) -> None:
    # Granian shares a port with whoever else shares it; two models would answer in turn, and nobody would be told
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is in use", seen=str(error), next_step="set PORT to another one") from error
        raise MachineError(f"cannot listen at {host} port {port}", seen=str(error)) from error


def _load(settings: Settings) -> Application:
    """Called in the process that answers; Prometheus has no use for the creation times of time series."""
    from prometheus_client import disable_created_metrics

    disable_created_metrics()  # type: ignore[no-untyped-call]
    return make_app(model.load(settings.model_file), settings.body_limit)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces

    served = model.load(settings.model_file)
    _check_port(settings.host, settings.port)
    print(
        f"{served!r}, bodies up to {settings.body_limit} bytes",
        file=sys.stderr,
        flush=True,
    )
    Granian(
        "aicontainer.serve",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,  # one process: its metrics are whole, and Kubernetes, not we, adds further ones
        blocking_threads=THREADS,
        workers_kill_timeout=SECONDS_TO_FINISH,
        http=HTTPModes.http1,
        websockets=False,
    ).serve(target_loader=partial(_load, settings), wrap_loader=False)


def _stop(signum: int, frame: Any) -> None:
    sys.exit(0)


def main() -> None:
    """Serve as the environment says, and exit."""
    # until Granian takes over: process 1 of a container ignores every signal that it has no handler for
    signal.signal(signal.SIGTERM, _stop)
    try:
        serve(read_settings(os.environ))
    except AicontainerError as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        # a second SIGTERM while Python ends would make a clean end look like a killed one
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


if __name__ == "__main__":
    main()

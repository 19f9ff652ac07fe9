"""What the environment says to the server.

MODEL_FILE        the model file (must be given)
HOST              the address to listen at, 0.0.0.0 where nothing is said: in a container the outside is another address
PORT              8080
WORKERS           processes that answer; 1
BODY_LIMIT        the largest body that is read, in bytes; 1048576
ROW_LIMIT         the most rows that a request may have; 100000
HEAD_LIMIT        the largest request head (the headers, all in all), in bytes; 16384
REQUEST_SECONDS   the time to send a request, and to take its answer; 10
IDLE_SECONDS      how long a connection may stay open without a request; 75
REQUESTS          requests that may be arriving at once; beyond, 503; 128
CONNECTIONS       connections open at once, for each worker; beyond, the idle ones are closed, then 503; 1000
LOG_PER_SECOND    lines on requests in the log, for each worker; beyond, only how many were lost; 100
DRAIN_SECONDS     after SIGTERM: still taking connections, while "not ready" gets around; 1
FINISH_SECONDS    after that: for the requests that have begun; 10
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aicontainer.errors import InputError
from aicontainer.serve.logs import PER_SECOND

BODY_LIMIT = 1024 * 1024
ROW_LIMIT = 100_000
LARGEST = 2**31 - 1
SHORTEST = 0.1
LONGEST = 86400.0


@dataclass(frozen=True)
class Limits:
    """What one process puts up with; sizes in bytes, times in seconds."""

    body: int = BODY_LIMIT
    head: int = 16 * 1024
    request_seconds: float = 10.0
    idle_seconds: float = 75.0
    requests: int = 128
    connections: int = 1000


@dataclass(frozen=True)
class Settings:
    """What the environment said."""

    model_file: Path
    host: str
    port: int
    workers: int
    limits: Limits
    row_limit: int
    log_per_second: int
    drain_seconds: float
    finish_seconds: float


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the variables; one that is empty counts as not given.

    Raises
    ------
    InputError
        When one of them cannot be used; it names the variable.
    """
    if not environment.get("MODEL_FILE"):
        raise InputError("MODEL_FILE is not set", next_step="set it to the path of a model file")
    given = Limits()
    limits = Limits(
        _number(environment, "BODY_LIMIT", given.body, LARGEST),
        _number(environment, "HEAD_LIMIT", given.head, LARGEST),
        _seconds(environment, "REQUEST_SECONDS", given.request_seconds, SHORTEST),
        _seconds(environment, "IDLE_SECONDS", given.idle_seconds, SHORTEST),
        _number(environment, "REQUESTS", given.requests, 1_000_000),
        _number(environment, "CONNECTIONS", given.connections, 1_000_000),
    )
    return Settings(
        Path(environment["MODEL_FILE"]),
        environment.get("HOST") or "0.0.0.0",  # noqa: S104  a container is reached from outside only
        _number(environment, "PORT", 8080, 65535),
        _number(environment, "WORKERS", 1, 256),
        limits,
        _number(environment, "ROW_LIMIT", ROW_LIMIT, LARGEST),
        _number(environment, "LOG_PER_SECOND", PER_SECOND, 1_000_000),
        _seconds(environment, "DRAIN_SECONDS", 1.0, 0.0),
        _seconds(environment, "FINISH_SECONDS", 10.0, 0.0),
    )


def _number(environment: Mapping[str, str], name: str, otherwise: int, largest: int) -> int:
    text = environment.get(name) or str(otherwise)
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= largest):
        raise InputError(f"{name} must be a whole number from 1 to {largest}", seen=text[:40])
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, otherwise: float, least: float) -> float:
    text = environment.get(name) or str(otherwise)
    if not (re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) and least <= float(text) <= LONGEST):
        raise InputError(f"{name} must be a number of seconds from {least:g} to {LONGEST:g}", seen=text[:40])
    return float(text)

"""Ports, proxies, and where images come from."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from aicontainer.deploy import cluster
from aicontainer.doctor import advice
from aicontainer.doctor.engine import Engine
from aicontainer.doctor.findings import Seen
from aicontainer.errors import AicontainerError
from aicontainer.sources.choose import Choice

LOCAL = ("localhost", "127.0.0.1")


def ports() -> Seen:
    """Whether the port that the course's registry prefers is free, or the registry itself has it."""
    try:
        registry = cluster.find().registry
    except AicontainerError:
        port = cluster.PREFERRED_REGISTRY_PORT
        return Seen(f"{port} is free") if is_free(port) else Seen(f"{port} is taken: another will be used")
    return Seen(f"the course's registry listens on {registry}")


def is_free(port: int) -> bool:
    """Whether a port of 127.0.0.1 could be taken now: binding it tells, since a port may be bound and not listen."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def proxies(variables: Mapping[str, str], engine: Engine | None) -> Seen:
    """The proxies that this shell's programs use, and those of the engine (None: it does not answer).

    An engine pulls by itself and reads no shell: a proxy that only the shell has leaves it without a way out. And a
    program that asks its own machine by way of a proxy gets an answer from somewhere else, or none.
    """
    here = {name: value for name, value in variables.items() if name.lower() in ("http_proxy", "https_proxy") and value}
    engines = [] if engine is None else [proxy for proxy in (engine.http_proxy, engine.https_proxy) if proxy]
    told = "; ".join([_of_shell(here), _of_engine(engine, engines)])
    if here and _sends_local_to_proxy(variables):
        return Seen(f"{told}; NO_PROXY lacks localhost or 127.0.0.1", "worth knowing", advice.PROXY_LOCAL)
    if here and engine is not None and not engines:
        return Seen(f"{told}: it may not reach an image registry", "worth knowing", advice.PROXY_ENGINE)
    return Seen(told)


def image_source(choice: Choice) -> Seen:
    """Which source of images is used, and why not those before it."""
    passed = "".join(f"; not {name}: {reason}" for name, reason in choice.passed_over)
    return Seen(choice.source.name + passed)


def without_password(address: str) -> str:
    """An address without user name and password, which must not be shown."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    return f"{parts.scheme or 'http'}://{parts.netloc.rpartition('@')[2]}"


def _of_shell(here: Mapping[str, str]) -> str:
    if not here:
        return "none in this shell"
    return "this shell: " + ", ".join(sorted({without_password(value) for value in here.values()}))


def _of_engine(engine: Engine | None, found: list[str]) -> str:
    if engine is None:
        return "no engine to ask"
    return "the engine: " + (", ".join(sorted({without_password(proxy) for proxy in found})) or "none")


def _sends_local_to_proxy(variables: Mapping[str, str]) -> bool:
    listed = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
    return not all(bypass(host, {"no": listed}) for host in LOCAL)

"""Ports, which are held for real, and proxies, from the variables that a shell has."""

import socket

import pytest

from aicontainer.doctor import advice, network
from aicontainer.doctor.engine import Engine, parse

BARE = parse({"ServerVersion": "28"})
PROXIED = parse({"ServerVersion": "28", "HttpProxy": "proxy:3128", "HttpsProxy": "http://me:secret@proxy:3128"})
SHELL = {"HTTPS_PROXY": "http://me:secret@proxy.company:3128", "NO_PROXY": "localhost,127.0.0.1"}


def test_a_port_that_is_bound_and_does_not_listen_is_not_free() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        assert not network.is_free(port)
    assert network.is_free(port)


@pytest.mark.parametrize(
    ("variables", "engine", "state", "mend"),
    [
        ({}, BARE, "fine", None),
        ({}, None, "fine", None),
        ({}, PROXIED, "fine", None),
        (SHELL, PROXIED, "fine", None),
        (SHELL, None, "fine", None),
        (SHELL, BARE, "worth knowing", advice.PROXY_ENGINE),
        ({"http_proxy": "proxy:3128"}, PROXIED, "worth knowing", advice.PROXY_LOCAL),
        ({"http_proxy": "proxy:3128", "no_proxy": "localhost"}, PROXIED, "worth knowing", advice.PROXY_LOCAL),
        ({"http_proxy": "proxy:3128", "no_proxy": "*"}, PROXIED, "fine", None),
        ({"HTTPS_PROXY": "", "https_proxy": ""}, BARE, "fine", None),
    ],
)
def test_shell_and_engine_are_compared(
    variables: dict[str, str], engine: Engine | None, state: str, mend: object
) -> None:
    seen = network.proxies(variables, engine)
    assert (seen.state, seen.advice) == (state, mend)


def test_no_password_of_a_proxy_is_ever_shown() -> None:
    for variables, engine in ((SHELL, PROXIED), (SHELL, BARE), ({"https_proxy": "me:secret@proxy:3128"}, PROXIED)):
        found = network.proxies(variables, engine).found
        assert "secret" not in found and "me@" not in found and "me:" not in found
        assert "proxy" in found


@pytest.mark.parametrize("address", ["http://proxy:3128", "proxy:3128", "http://u:p@proxy:3128/", "u:p@proxy:3128"])
def test_an_address_is_shown_in_one_form(address: str) -> None:
    assert network.without_password(address) == "http://proxy:3128"

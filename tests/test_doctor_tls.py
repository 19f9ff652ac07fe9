"""Who signs: a real TLS server on this machine, whose certificate no public authority has signed."""

import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aicontainer.doctor import advice, tls

COMPANY = "/O=Example Company/CN=Inspection"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate for this machine, signed with that key itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("not run: no openssl on this machine to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", COMPANY]
    for extension in ("subjectAltName=DNS:localhost,IP:127.0.0.1", "keyUsage=critical,digitalSignature,keyCertSign"):
        words += ["-addext", extension]
    subprocess.run([openssl, *words, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True)
    return key, made


@pytest.fixture
def index(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that pip is told to take for its index."""
    key, made = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        address = f"https://localhost:{server.server_address[1]}/simple"
        monkeypatch.setenv("PIP_INDEX_URL", address.replace("//", "//me:secret@"))
        monkeypatch.setenv("NO_PROXY", "localhost")
        monkeypatch.setenv("no_proxy", "localhost")
        yield address
        server.shutdown()


def test_the_index_is_the_one_that_pip_uses_and_its_password_stays_hidden(index: str) -> None:
    assert tls.parse_index(tls.pip_help()) == index


@pytest.mark.parametrize("variable", tls.BUNDLES)
def test_a_certificate_that_only_this_machine_trusts_is_an_interception(
    variable: str, index: str, certificate: tuple[Path, Path]
) -> None:
    seen = tls.look({variable: str(certificate[1])})
    assert (seen.state, seen.advice) == ("worth knowing", advice.TLS_ENGINE)
    assert "Example Company, Inspection" in seen.found


def test_a_certificate_that_nobody_trusts_is_not_enough(index: str, tmp_path: Path) -> None:
    seen = tls.look({"SSL_CERT_FILE": str(tmp_path / "gone.pem")})
    assert (seen.state, seen.advice) == ("not enough", advice.TLS)
    assert "self" in seen.found and "_ssl.c" not in seen.found


def test_whom_the_public_authorities_know_is_fine(
    index: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi

    monkeypatch.setattr(certifi, "where", lambda: str(certificate[1]))
    seen = tls.look({})
    assert seen.state == "fine"
    assert "Example Company" in seen.found


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://localhost:1/simple", "not asked by https"),
        ("https://localhost:1/simple", "cannot be asked"),
        ("file:///srv/packages", "not asked by https"),
    ],
)
def test_what_cannot_be_asked_is_said_and_not_guessed(address: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", address)
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setenv("NO_PROXY", "localhost")
    seen = tls.look({})
    assert (seen.state, why in seen.found) == ("not known", True)


@pytest.mark.parametrize("text", ["", "No module named pip", "--index-url <url>  Base URL"])
def test_without_pip_no_index_is_invented(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tls.parse_index(text) == ""
    monkeypatch.setattr(tls, "pip_help", lambda: text)
    seen = tls.look({})
    assert (seen.state, seen.found) == ("not known", "pip names no index")


def test_an_issuer_is_named_by_what_it_has() -> None:
    assert (
        tls.name_of(((("countryName", "CH"),), (("organizationName", "Acme"),), (("commonName", "R1"),))) == "Acme, R1"
    )
    assert tls.name_of(((("commonName", "R1"),),)) == "R1"
    assert tls.name_of(()) == "a CA without a name"

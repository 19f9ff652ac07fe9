"""Whether somebody between here and the package index opens the encryption and signs with a certificate of his own.

Companies do that to look for malware. A machine of theirs trusts their certificate; an image that was made elsewhere
does not, and neither do programs that bring a list of public CAs with them, as Python's do. It shows as
CERTIFICATE_VERIFY_FAILED.
"""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aicontainer.commands import run
from aicontainer.doctor import advice
from aicontainer.doctor.findings import Seen
from aicontainer.errors import AicontainerError

LIMIT_SECONDS = 6.0
# set by hand, or by a company's set-up, so that Python's programs trust more than the public CAs
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")


def look(variables: Mapping[str, str]) -> Seen:
    """Who signs the certificate of the index that pip uses here: a public CA, one of this machine's own, or neither."""
    index = parse_index(pip_help())
    host = urlsplit(index).hostname or ""
    if not index.startswith("https://") or not host:
        return Seen(f"pip's index is not asked by https: {index}" if index else "pip names no index", "not known")
    public = signer(index, public_trust())
    if public.name:
        return Seen(f"{host} is signed by {public.name}, a public CA")
    if not public.refused:
        return Seen(f"{host} cannot be asked: {public.trouble}", "not known")
    own = signer(index, own_trust(variables))
    if own.name:
        found = f"intercepted: {host} is signed by {own.name}, which this machine trusts and the public CAs do not know"
        return Seen(found, "worth knowing", advice.TLS_ENGINE)
    return Seen(f"{host} is signed by nobody that this machine trusts: {own.trouble}", "not enough", advice.TLS)


def pip_help() -> str:
    """pip's own help, which names the index in force, whatever set it: a file, a variable, or pip's default."""
    words = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--help"]
    try:
        return run(words, limit=20, env={"COLUMNS": "1000"})
    except AicontainerError:
        return ""


def parse_index(text: str) -> str:
    """The address of the index in pip's help, without user name and password; empty where there is none."""
    found = re.search(r"--index-url\s+<url>.*?\(default\s+(\S+?)\)", text, re.DOTALL)
    return re.sub(r"//[^/@]*@", "//", found[1]) if found else ""


@dataclass(frozen=True)
class Signed:
    """What one connection told: who signed (empty where it failed), whether trust was the trouble, what it was."""

    name: str = ""
    refused: bool = False
    trouble: str = ""


def signer(address: str, trust: ssl.SSLContext) -> Signed:
    """Connect as pip does (through a proxy where one is set) and read who signed the certificate."""
    import httpx

    try:
        with (
            httpx.Client(verify=trust, timeout=LIMIT_SECONDS) as client,
            client.stream("HEAD", address, follow_redirects=False) as response,
        ):
            stream = response.extensions["network_stream"]
            certificate = stream.get_extra_info("ssl_object").getpeercert()
    except httpx.HTTPError as error:
        words = str(error) or type(error).__name__
        return Signed(refused="CERTIFICATE_VERIFY_FAILED" in words, trouble=_shorter(words))
    return Signed(name=name_of(certificate["issuer"]))


def name_of(issuer: Any) -> str:
    """The readable part of an issuer, as Python's ssl gives it: organisation and common name."""
    fields = {key: value for part in issuer for key, value in part}
    names = (fields.get("organizationName"), fields.get("commonName"))
    return ", ".join(name for name in names if name) or "a CA without a name"


def public_trust() -> ssl.SSLContext:
    """Trust in the public CAs alone: the list that certifi brings."""
    import certifi

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    return context


def own_trust(variables: Mapping[str, str]) -> ssl.SSLContext:
    """Trust in whatever this machine and its settings trust."""
    context = ssl.create_default_context()
    for bundle in (variables.get(name, "") for name in BUNDLES):
        if Path(bundle).is_file():
            context.load_verify_locations(bundle)
    return context


def _shorter(words: str) -> str:
    return re.sub(r"\s*\(_ssl\.c:\d+\)|\[SSL: \w+\]\s*", "", words)

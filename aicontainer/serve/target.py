"""The target of a request: path and query, still percent-encoded."""

from httptools import HttpParserInvalidURLError, parse_url

from aicontainer.errors import RequestError


def split(target: bytes) -> tuple[str, str]:
    """The two sides of the first ``?``; a proxy may send the whole address (RFC 9112, 3.2.2).

    Raises
    ------
    RequestError
        When it is no address.
    """
    if not target.startswith(b"/") and b"://" in target:
        target = _behind_the_host(target)
    path, _, query = target.decode("latin-1").partition("?")
    return path, query


def _behind_the_host(address: bytes) -> bytes:
    try:
        parsed = parse_url(address)
    except HttpParserInvalidURLError:
        raise RequestError("the target of this request is no address", path="") from None
    return (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")

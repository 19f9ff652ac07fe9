"""What the wire says to a request that it does not take: the error for each of its limits."""

import traceback

from httptools import HttpParserCallbackError, HttpParserError

from aicontainer.errors import RequestError

BODY = "$"


def fault(error: HttpParserError) -> RequestError:
    """What stopped the parser: one of our limits, or the client's bytes."""
    cause = error.__context__
    if isinstance(cause, RequestError):
        return cause
    if isinstance(error, HttpParserCallbackError):
        traceback.print_exception(error)
        return RequestError("the server failed; its log has the cause", path="", status=500)
    return RequestError(f"this is no HTTP/1.1: {error}", path="")


def body_too_large(limit: int) -> RequestError:
    """413: more than ``limit`` bytes, declared or counted."""
    what = f"a body may have {limit} bytes at most; send fewer rows at a time"
    return RequestError(what, path=BODY, status=413)


def head_too_large(limit: int) -> RequestError:
    """431: more than ``limit`` bytes of headers."""
    return RequestError(f"the headers may have {limit} bytes at most, all in all", path="", status=431)


def cut_short() -> RequestError:
    """400: the client's side was closed in the middle of it."""
    return RequestError("the request ended before it was whole", path="")


def too_slow(seconds: float) -> RequestError:
    """408: it began, and was not whole after that time."""
    return RequestError(f"the request did not arrive within {seconds:g} seconds", path="", status=408)


def too_many() -> RequestError:
    """503: more than this process takes at once."""
    return RequestError("too many requests at once; try again in a moment", path="", status=503)

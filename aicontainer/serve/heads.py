"""The head of an answer: status line and headers, up to the number that follows ``Content-Length:``.

Nearly all answers of a second have one of a handful of heads. They are kept as bytes, until the date changes.
"""

import time
from http import HTTPStatus

from aicontainer.serve.request import Reply

# not strftime's %a and %b: they speak the language of whoever started the server
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Heads:
    """The heads of this second."""

    def __init__(self) -> None:
        self._date = _date()
        self._kept: dict[tuple[int, str, bool], bytes] = {}

    def __repr__(self) -> str:
        return f"Heads({self._date}: {len(self._kept)} kept)"

    def tick(self) -> None:
        """Look at the clock; RFC 9110, 6.6.1: whoever has a clock sends the date."""
        date = _date()
        if date != self._date:
            self._date = date
            self._kept.clear()

    def head(self, reply: Reply, keep: bool) -> bytes:
        """Everything before the length; ``keep`` says whether the connection stays open after this answer."""
        if reply.headers:
            return self._written(reply, keep)
        key = (reply.status, reply.content_type, keep)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = self._written(reply, keep)
        return kept

    def _written(self, reply: Reply, keep: bool) -> bytes:
        lines = [
            f"HTTP/1.1 {reply.status} {_phrase(reply.status)}",
            f"Date: {self._date}",
            f"Content-Type: {reply.content_type}",
            *(f"{name}: {value}" for name, value in reply.headers),
            *(() if keep else ("Connection: close",)),
            "Content-Length: ",
        ]
        return "\r\n".join(lines).encode("latin-1", "replace")


def _date() -> str:
    now = time.gmtime()
    return time.strftime(f"{_DAYS[now.tm_wday]}, %d {_MONTHS[now.tm_mon - 1]} %Y %H:%M:%S GMT", now)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

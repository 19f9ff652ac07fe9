"""One connection: bytes in, whole requests to the application, answers out, and no way to stay for ever.

HTTP is parsed by httptools (llhttp, the parser of Node.js), which calls the ``on_...`` methods while bytes are fed to
it. A whole request joins those that came in the same turn of the event loop (`Wire.join`), and is answered with them
at the end of the turn, in the thread of the loop: that takes less time than handing it to another thread would. What
is *not* bounded by us is how fast the other side sends and reads. So:

- a request has a limit for its head, its body and the time of its arrival; so has the taking of an answer;
- of requests that are still arriving only so many may exist. One that is whole is always answered;
- who sends on and on without reading the answers is not read any more (`pause_writing`);
- after a refusal, what the client still sends is thrown away for a moment. Closing at once would make its kernel
  discard our answer (RFC 9112, 9.6).
"""

import asyncio
import time
from collections import deque
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from aicontainer.errors import RequestError
from aicontainer.serve import refusals, target
from aicontainer.serve.request import Reply, Request
from aicontainer.serve.wire import Share, Wire

TARGET_LIMIT = 8192
HEADERS_LIMIT = 100
# a body in chunks of one byte takes six on its way
CHUNK_OVERHEAD = 8
# what is kept for a client that does not read: bytes of answers, then whole requests
WRITE_BUFFER = 64 * 1024
WAITING_LIMIT = 100
LINGER_BYTES = 64 * 1024 * 1024


class Connection(asyncio.Protocol):
    """Made by the event loop for each connection that it accepts; ``since`` is when its present state began."""

    _transport: asyncio.Transport

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.since = wire.now
        self._parser = HttpRequestParser(self)
        self._arriving = False  # the first byte of a request is here, and the last is not
        self._share = Share(wire)
        self._joined = False  # a request of this connection waits for the end of the turn
        self._paused = False
        self._leaving = False
        self._lingered = 0
        self._waiting: deque[tuple[Request, bool]] = deque()

    def __repr__(self) -> str:
        state = "leaving" if self._leaving else "arriving" if self._arriving else "idle"
        return f"Connection({state}, {len(self._waiting)} answers behind)"

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER)
        if self._wire.connections > 2 * self._wire.limits.connections:
            self._transport.abort()  # not even the refusals fit any more
        elif not self._wire.add(self):
            self._refuse(refusals.too_many())

    def data_received(self, data: bytes) -> None:
        """Some bytes are here: a part of a request, one, or several."""
        if self._leaving:
            self._throw_away(data)
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._answer_before()
            self._leave()  # answered as plain HTTP; what follows would be in another protocol
        except HttpParserError as error:
            if not self._leaving:
                self._refuse(refusals.fault(error))
        if self._arriving and not self._leaving:
            self._await_rest(len(data))

    def eof_received(self) -> bool:
        """The client sends no more; True keeps the connection for the answers that are still to be written."""
        self._answer_before()
        if self._waiting:
            last, _ = self._waiting[-1]
            self._waiting[-1] = last, False
        elif self._arriving and not self._leaving:
            self._refuse(refusals.cut_short())
        return bool(self._waiting)

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._wire.discard(self)
        self._share.give_back()
        self._arriving = False
        self._leaving = True
        self._waiting.clear()
        del self._parser  # it holds our methods, and we hold it

    def pause_writing(self) -> None:
        """The client does not read as fast as it asks."""
        self._paused = True
        self.since = self._wire.now
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._paused = False
        self.since = self._wire.now
        while self._waiting and not self._paused and not self._leaving:
            request, keep = self._waiting.popleft()
            request.arrived = time.perf_counter()  # until now the client, and not the server, took its time
            self._join(request, keep)
            self._answer_before()
        if not self._paused and not self._transport.is_closing():
            self._transport.resume_reading()

    # what the parser calls

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._arriving = True
        self.since = self._wire.now
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head = 0
        self._keep: bool | None = None  # not known before the head is whole
        self._body: bytes | bytearray = b""

    def on_url(self, piece: bytes) -> None:
        """The target, or a part of it."""
        self._url += piece
        if len(self._url) > TARGET_LIMIT:
            raise RequestError(f"an address may have {TARGET_LIMIT} bytes at most", path="", status=414)

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """One header."""
        value = value or b""
        self._head += len(name) + len(value)
        if self._head > self._wire.limits.head:
            raise refusals.head_too_large(self._wire.limits.head)
        if self._keep is None:  # otherwise it is a trailer, behind a body in chunks: nobody waits for one
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is whole: refuse now what need not be read."""
        headers = self._headers
        if len(headers) > HEADERS_LIMIT:
            raise RequestError(f"a request may have {HEADERS_LIMIT} headers at most", path="", status=431)
        self._keep = self._parser.should_keep_alive()
        if b"connection" in headers:
            # an upgrade is declined by answering as if it were not there; HTTP/1.0 would need a header in the answer
            self._keep = self._keep and self._parser.get_http_version() == "1.1" and not self._parser.should_upgrade()
        if b"host" not in headers and self._parser.get_http_version() == "1.1":
            raise RequestError("HTTP/1.1 needs a Host header", path="")
        length = headers.get(b"content-length")
        if length is not None and int(length) > self._wire.limits.body:
            raise refusals.body_too_large(self._wire.limits.body)
        if b"expect" in headers:
            self._encourage(headers[b"expect"])

    def on_body(self, piece: bytes) -> None:
        """A part of the body, without its transfer coding."""
        if len(self._body) + len(piece) > self._wire.limits.body:
            raise refusals.body_too_large(self._wire.limits.body)
        if not self._body:
            self._body = piece  # most bodies come in one
            return
        if isinstance(self._body, bytes):
            self._body = bytearray(self._body)
        self._body += piece

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._arriving = False
        self._answer_before()  # of two requests in one piece the first may close, or find that nobody reads
        if self._leaving or self._transport.is_closing():
            return
        self.since = self._wire.now
        if self._share.counted:
            self._share.give_back()
        path, query = target.split(self._url)
        method = self._parser.get_method().decode()
        request = Request(method, path, query, self._headers, self._body)
        self._body = b""  # or an idle connection would hold the last body for as long as it is open
        if self._paused:
            self._put_off(request)
        else:
            self._join(request, bool(self._keep))

    # what others ask of it

    @property
    def idle(self) -> bool:
        """Whether little is lost when it is closed: it waits for a request, or for the client to see a refusal."""
        return self._leaving or not (self._arriving or self._joined or self._waiting or self._paused)

    def look(self) -> None:
        """Close it, if what it does takes too long."""
        if self._joined:  # whole, and answered at the end of this turn
            return
        passed = self._wire.now - self.since
        limits = self._wire.limits
        if self._paused or self._leaving:
            if passed > limits.request_seconds:
                self.abort()
        elif self._arriving:
            if passed > limits.request_seconds:
                self._refuse(refusals.too_slow(limits.request_seconds))
        elif passed > limits.idle_seconds:
            self.close()

    def close(self) -> None:
        """Close it as soon as all is sent."""
        self._leaving = True
        self.since = self._wire.now
        self._transport.close()

    def abort(self) -> None:
        """Close it now."""
        self._transport.abort()

    def send(self, request: Request, keep: bool, reply: Reply) -> None:
        """Send the answer to a request that has joined; ``keep`` says whether another may follow."""
        self._joined = False
        if self._transport.is_closing():
            return
        wire = self._wire
        keep = keep and not wire.stopping
        body = b"" if request.method == "HEAD" else reply.body
        self._transport.write(b"%b%d\r\n\r\n%b" % (wire.heads.head(reply, keep), len(reply.body), body))
        if not keep:
            self.close()

    # how it answers

    def _join(self, request: Request, keep: bool) -> None:
        self._joined = True
        self._wire.join(self, request, keep)

    def _answer_before(self) -> None:
        if self._joined:
            self._wire.answer()

    def _put_off(self, request: Request) -> None:
        if len(self._waiting) == WAITING_LIMIT:
            self.abort()  # whoever asks on and on, and reads nothing, would fill the memory
            return
        self._waiting.append((request, bool(self._keep)))

    def _refuse(self, error: RequestError) -> None:
        """Answer with an error, and read no further request."""
        self._answer_before()
        if self._transport.is_closing():  # gone, and the event loop will say so next: it takes no more writing
            return
        if self._waiting:  # the answers before this one were not even taken
            self.abort()
            return
        reply = self._wire.application.turned_away(error)
        if error.status == 503:
            reply.headers = (*reply.headers, ("Retry-After", "1"))
        head = self._wire.heads.head(reply, False)
        self._transport.write(b"%b%d\r\n\r\n%b" % (head, len(reply.body), reply.body))
        self._leave()

    def _leave(self) -> None:
        self._arriving = False
        self._share.give_back()
        self._body = b""  # what is not counted any more must not be held while the client reads on
        self._leaving = True
        self.since = self._wire.now
        self._transport.write_eof()

    def _throw_away(self, data: bytes) -> None:
        self._lingered += len(data)
        if self._lingered > LINGER_BYTES:
            self.abort()

    def _encourage(self, expected: bytes) -> None:
        if expected.lower() != b"100-continue":
            raise RequestError("the only expectation that can be met is 100-continue", path="", status=417)
        self._answer_before()
        if not (self._paused or self._leaving):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _await_rest(self, received: int) -> None:
        """A part of a request is here: refuse it when it, or all of them together, are too much."""
        wire, limits = self._wire, self._wire.limits
        self._share.take(received, len(self._body))
        if self._keep is None and self._share.received > limits.head:
            self._refuse(refusals.head_too_large(limits.head))
        elif self._share.received > limits.head + CHUNK_OVERHEAD * limits.body:
            self._refuse(refusals.body_too_large(limits.body))
        elif wire.crowded:
            self._refuse(refusals.too_many())

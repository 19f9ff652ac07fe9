"""A door before a registry, which hands everything on, until a test lets it break off or fall silent in a layer."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Door(ThreadingHTTPServer):
    """Hands requests on to the registry; ``mode`` tells what becomes of a layer: whole, silent or gone."""

    daemon_threads = True

    def __init__(self, registry: int) -> None:
        self.registry, self.mode, self.release = registry, "whole", threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Door
    default_request_version = "HTTP/1.0"  # a client that tries TLS first has to be told that here is none

    def do_GET(self) -> None:
        if self.server.mode == "gone":
            return  # the connection is closed without an answer
        behind = http.client.HTTPConnection("127.0.0.1", self.server.registry, timeout=60)
        behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # each Accept header counts
            behind.putheader(name, value)
        behind.endheaders()
        answer = behind.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET" and self.server.mode == "silent" and len(body) > 500_000:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.release.wait(120)
            return
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 -- http.server looks for this name

    def log_message(self, *args: object) -> None:
        pass

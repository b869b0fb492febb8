"""A server on loopback for the fakes of services: one function answers every request."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Closes the connection after half of the body."""


@contextmanager
def serve(answer: Callable[[str, str, Mapping[str, str], bytes], Answer]) -> Iterator[str]:
    """The address, while `answer` is asked with each request's method, path, headers and body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            told = answer(self.command, self.path, self.headers, body)  # type: ignore[arg-type]
            self.send_response(told.status)
            for key, value in {**told.headers, "Content-Length": str(len(told.body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(told.body[: len(told.body) // 2] if told.cut else told.body)
            self.close_connection = self.close_connection or told.cut

        do_GET = do_POST = do_PUT = do_HEAD = _any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # whoever asked has gone

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

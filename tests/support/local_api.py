"""Web services on this machine: one HTTP server, whose paths belong to the services that tests register."""

from __future__ import annotations

import atexit
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """A request as a service sees it, with the path below the service's own."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    """A status, a body (anything but bytes is sent as JSON), and headers."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Service = Callable[[Call], Reply]
_services: dict[str, Service] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()
_server: list[ThreadingHTTPServer] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: the second would wait 40 ms for the first one's receipt
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        name, _, rest = parts.path.lstrip("/").partition("/")
        headers = {header.title(): value for header, value in self.headers.items()}  # clients differ in case
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        service = _services.get(name)
        reply = Reply(b"", 404) if service is None else service(Call(self.command, f"/{rest}", query, headers, body))
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response_only(reply.status)  # without a date of its own
        for header, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        pass


def register(service: Service, name: str = "") -> str:
    """The address of a service on this machine. A service of the same name replaces one, at the same address."""
    with _lock:
        if not _server:
            server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            atexit.register(server.server_close)
            _server.append(server)
        name = name or f"s{next(_numbers)}"
        _services[name] = service
    return f"http://127.0.0.1:{_server[0].server_address[1]}/{name}"

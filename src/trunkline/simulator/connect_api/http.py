"""The emulated Connect API on a loopback port, in the protocol that boto3 speaks (REST with JSON)."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from trunkline.simulator.connect_api.answers import ApiError
from trunkline.simulator.connect_api.instance import ConnectApi

Request = dict[str, Any]

# Method and path of each operation; words in braces are parameters.
_ROUTES = {
    ("POST", "/search-contacts"): "SearchContacts",
    ("GET", "/contacts/{InstanceId}/{ContactId}"): "DescribeContact",
    ("GET", "/contact/attributes/{InstanceId}/{InitialContactId}"): "GetContactAttributes",
    ("GET", "/queues-summary/{InstanceId}"): "ListQueues",
    ("GET", "/users-summary/{InstanceId}"): "ListUsers",
    ("GET", "/routing-profiles-summary/{InstanceId}"): "ListRoutingProfiles",
    ("GET", "/user-hierarchy-groups-summary/{InstanceId}"): "ListUserHierarchyGroups",
    ("POST", "/metrics/current/{InstanceId}"): "GetCurrentMetricData",
    ("POST", "/metrics/userdata/{InstanceId}"): "GetCurrentUserData",
    ("GET", "/users/{InstanceId}/{UserId}"): "DescribeUser",
    ("GET", "/queues/{InstanceId}/{QueueId}"): "DescribeQueue",
    ("GET", "/routing-profiles/{InstanceId}/{RoutingProfileId}"): "DescribeRoutingProfile",
    ("GET", "/user-hierarchy-groups/{InstanceId}/{HierarchyGroupId}"): "DescribeUserHierarchyGroup",
}
_PATTERNS = [
    (method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), name) for (method, path), name in _ROUTES.items()
]
_QUERY = {"nextToken": "NextToken", "maxResults": "MaxResults", "queueTypes": "QueueTypes"}


@contextmanager
def served(api: ConnectApi, port: int = 0) -> Iterator[str]:
    """Serve on a loopback port (0: any that is free) while the block runs; yields the endpoint's URL."""

    class Handler(_Handler):
        service = api

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    polling = {"poll_interval": 0.02}  # how long the end waits
    thread = threading.Thread(target=server.serve_forever, kwargs=polling, name="connect-api", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept open as boto3 expects."""

    service: ConnectApi
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise the client's delayed acknowledgement costs 40 ms per call.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            operation, request = parse(method, self.path, body)
            answer = self.service.call(operation, request)
        except ApiError as error:
            self._send(error.status, {"Message": error.message}, error.code)
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - a fault of the emulator must not leave the client waiting
            self._send(500, {"Message": f"emulator: {error!r}"}, "InternalServiceException")
        else:
            self._send(200, answer)

    def _send(self, status: int, answer: Request, error: str | None = None) -> None:
        data = json.dumps(answer, default=_epoch).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if error is not None:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: `ConnectApi.calls` has every call."""


def parse(method: str, target: str, body: bytes) -> tuple[str, Request]:
    """Operation and parameters of an HTTP request. Raises ApiError for an unknown path."""
    parts = urlsplit(target)
    for route_method, pattern, operation in _PATTERNS:
        match = pattern.fullmatch(parts.path)
        if route_method != method or not match:
            continue
        request: Request = {name: unquote(value) for name, value in match.groupdict().items()}
        for key, values in parse_qs(parts.query).items():
            name = _QUERY.get(key, key)
            value = _number(values[0]) if name == "MaxResults" else values[0]
            request[name] = values if name == "QueueTypes" else value
        return operation, request | _of_body(body)
    raise ApiError("UnknownOperationException", f"{method} {parts.path} is not emulated")


def _of_body(body: bytes) -> Request:
    if not body:
        return {}
    try:
        request: Request = json.loads(body)
        ranged = request.get("TimeRange")
        if ranged:
            times = {name: datetime.fromtimestamp(ranged[name], UTC) for name in ("StartTime", "EndTime")}
            request["TimeRange"] = {**ranged, **times}
    except (ValueError, TypeError, KeyError) as error:
        raise ApiError("InvalidRequestException", f"the body cannot be read: {type(error).__name__}") from None
    return request


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _epoch(value: object) -> float:
    if isinstance(value, datetime):
        seconds = value.timestamp()
        return int(seconds) if seconds.is_integer() else seconds
    raise TypeError(type(value).__name__)

"""Lambda's Runtime API for one function: it runs an unpacked zip under awslambdaric, as the service would.

The function is a process of its own that sees nothing but its zip and awslambdaric: no site-packages, no variables of
the test's process. Assumed, where the service differs: memory is not limited but measured, and time is not either.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_RUNTIME = ("awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson")
_MARGIN_MS = 600_000
# The client crashes where the trace id is missing.
_TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"


@dataclass
class BootedFunction:
    """A function that waits for events. `cold_s` is from the process's start to its first request for an event."""

    process: subprocess.Popen[bytes]
    events: queue.Queue[Any]
    answers: queue.Queue[tuple[str, Any]]
    started_s: float
    ready: threading.Event = field(default_factory=threading.Event)
    cold_s: float = 0.0

    def invoke(self, event: Any, wait_s: float = 60) -> Any:
        """The function's answer. Raises RuntimeError with the function's own error."""
        self.events.put(event)
        deadline_s = time.monotonic() + wait_s
        while self.answers.empty() and self.process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.01)
        if self.answers.empty():
            raise RuntimeError(f"no answer within {wait_s} s; exit status {self.process.poll()}")
        kind, body = self.answers.get()
        if kind != "response":
            raise RuntimeError(f"{kind}: {json.dumps(body)[:2000]}")
        return body

    @property
    def peak_mb(self) -> float:
        """The most memory that the process had so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    function: BootedFunction

    def do_GET(self) -> None:
        if not self.function.ready.is_set():
            self.function.cold_s = time.monotonic() - self.function.started_s
            self.function.ready.set()
        body = json.dumps(self.function.events.get()).encode()
        self._send(body, {
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + _MARGIN_MS),
            "Lambda-Runtime-Trace-Id": _TRACE,
            "Content-Type": "application/json",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:booted",
        })  # fmt: skip

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
        kind = "init error" if self.path.endswith("init/error") else self.path.rpartition("/")[2]
        self.function.answers.put((kind, body))
        self._send(b'{"status":"OK"}', {})

    def _send(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


@cache
def runtime_folder(target: Path) -> Path:
    """A folder with awslambdaric alone, taken from this environment."""
    target.mkdir(parents=True)
    for name in _RUNTIME:
        spec = find_spec(name)
        assert spec is not None, f"{name} is not installed: make .venv/.infra"
        place = Path(str(spec.origin))
        source = place.parent if place.name == "__init__.py" else place
        (target / source.name).symlink_to(source)
    return target


def unpack(package: Path, target: Path) -> Path:
    """A zip's files, as Lambda lays them out."""
    with zipfile.ZipFile(package) as archive:
        archive.extractall(target)
    return target


@contextmanager
def booted(code: Path, runtime: Path, handler: str, variables: Mapping[str, str]) -> Iterator[BootedFunction]:
    """The function `handler` of the unpacked zip `code`, from its start until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    environ = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": "booted", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024", "AWS_LAMBDA_LOG_GROUP_NAME": "g", "AWS_LAMBDA_LOG_STREAM_NAME": "s",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing", "LAMBDA_TASK_ROOT": str(code), "PYTHONPATH": f"{code}:{runtime}",
        "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent", "PATH": os.environ["PATH"], **variables,
    }  # fmt: skip
    started_s = time.monotonic()
    process = subprocess.Popen(
        [sys._base_executable, "-X", "faulthandler", "-S", "-m", "awslambdaric", handler],
        cwd=code,
        env=environ,
        stdout=subprocess.DEVNULL,
    )
    function = BootedFunction(process, queue.Queue(), queue.Queue(), started_s)
    server.RequestHandlerClass.function = function  # type: ignore[attr-defined]
    try:
        yield function
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()

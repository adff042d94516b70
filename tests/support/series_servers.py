"""Stores of time series for tests: each with how it is opened and read. Real servers where they are installed.

`influxd` and `victoria-metrics` are looked for on PATH, then where `make servers` puts them.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import re
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from tools.servers import missing, program_path
from trunkline.live.stores.influx import InfluxStore
from trunkline.live.stores.memory import MemoryStore
from trunkline.live.stores.model import SeriesStore
from trunkline.live.stores.prometheus import PrometheusStore
from trunkline.live.stores.timestream import TimestreamAddress, TimestreamStore

# (series, tags) to time in nanoseconds to fields.
Held = dict[tuple[str, tuple[tuple[str, str], ...]], dict[int, dict[str, float]]]


@dataclass
class SeriesServer:
    """A store with a way to read what it has.

    `keeps`: of two points of one time it keeps the one of the higher `version`, the `last` written, or `any`.
    `precision_ns` is that of its times. `is_snapshot`: it has the newest point alone. `is_exact`: numbers keep all bits.
    """

    store: SeriesStore
    read: Callable[[], Held]
    keeps: str
    precision_ns: int = 1
    is_snapshot: bool = False
    is_exact: bool = True


def memory(folder: Path) -> Iterator[SeriesServer]:
    store = MemoryStore()

    def read() -> Held:
        held: Held = {}
        for name in {key[0] for key in store._series}:
            for point in store.read(name):
                held.setdefault((point.series, point.tags), {})[point.time_ns] = dict(point.fields)
        return held

    yield SeriesServer(store, read, "version")


_SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (\S+)')
_UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
_LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\[\\"n])*)"')


def prometheus(folder: Path) -> Iterator[SeriesServer]:
    """Read by a parser of the text format that is stricter than Prometheus: every line must fit."""
    store = PrometheusStore()

    def read() -> Held:
        held: Held = {}
        for line in store.scrape(datetime.fromisoformat("2026-03-03T12:00:00Z")).splitlines():
            if not line.startswith("# "):
                sample = _SAMPLE.fullmatch(line)
                assert sample, line
                tags = tuple(
                    (name, re.sub(r"\\.", lambda part: _UNESCAPED[part[0]], text))
                    for name, text in _LABEL.findall(sample[2])
                )
                series = next(s for s in sorted(FAMILIES, key=len, reverse=True) if sample[1].startswith(s + "_"))
                held.setdefault((series, tags), {}).setdefault(0, {})[sample[1][len(series) + 1 :]] = float(sample[3])
        return held

    yield SeriesServer(store, read, "version", is_snapshot=True)


FAMILIES = ("trunkline_queue", "trunkline_queue_info", "trunkline_agent", "trunkline_agents", "trunkline_contact_event")


# --- line protocol ---

_LINE = re.compile(r"((?:[^,= \\\n]|\\[,= ])+)((?:,(?:[^,= \\\n]|\\[,= ])+=(?:[^,= \\\n]|\\[,= ])+)*) (\S+) (\d+)")
_TAG = re.compile(r",((?:[^,= \\]|\\[,= ])+)=((?:[^,= \\]|\\[,= ])+)")


def plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


class LineServer(http.server.BaseHTTPRequestHandler):
    """InfluxDB's two write paths: refuses a request with a malformed line, but stores the lines before it."""

    protocol_version = "HTTP/1.1"
    held: Held
    answers: list[int]
    requests: list[tuple[str, str, int]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        url = urllib.parse.urlsplit(self.path)
        options = dict(urllib.parse.parse_qsl(url.query))
        self.requests.append((self.path, self.headers.get("Authorization", ""), body.count("\n") + 1))
        wants = {"/write": {"db"}, "/api/v2/write": {"org", "bucket"}}.get(url.path)
        if self.answers:
            return self.answer(self.answers.pop(0), "scripted")
        if wants is None or not wants <= options.keys() or options.get("precision") != "ns":
            return self.answer(404, "no such path")
        for line in body.split("\n"):
            match = _LINE.fullmatch(line)
            if match is None or "poison" in line:
                return self.answer(400, f"unable to parse {line!r}")
            tags = tuple((plain(name), plain(text)) for name, text in _TAG.findall(match[2]))
            fields = {name: float(number) for name, _, number in (f.partition("=") for f in match[3].split(","))}
            self.held.setdefault((match[1], tags), {}).setdefault(int(match[4]), {}).update(fields)
        return self.answer(204, "")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def line_server() -> Iterator[tuple[str, type[LineServer]]]:
    """Host and port of the stand-in, and its class, which has what it was sent."""
    handler = type("Handler", (LineServer,), {"held": {}, "answers": [], "requests": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", handler
        finally:
            server.shutdown()
            thread.join()


def influx_1(folder: Path) -> Iterator[SeriesServer]:
    with line_server() as (netloc, handler):
        yield SeriesServer(InfluxStore(f"influx+http://{netloc}/live"), lambda: handler.held, "last")


def influx_2(folder: Path) -> Iterator[SeriesServer]:
    with line_server() as (netloc, handler):
        store = InfluxStore(f"influx+http://{netloc}/live?org=centre", "secret")
        yield SeriesServer(store, lambda: handler.held, "last")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, data: bytes | None = None) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        urllib.request.Request(url, data=data), timeout=10
    ) as response:
        return response.read().decode()


@contextlib.contextmanager
def running(name: str, arguments: list[str], ready: str) -> Iterator[None]:
    """A server process, from when it answers at `ready`."""
    program = program_path(name)
    assert program is not None, missing(name)
    with subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    ask(ready)
                    break
                time.sleep(0.05)
            else:
                raise AssertionError(f"{name} did not answer")
            yield
        finally:
            process.kill()


def influxd(folder: Path) -> Iterator[SeriesServer]:
    """InfluxDB 1: `SELECT` gives back what was written."""
    port, rpc = free_port(), free_port()
    config = folder / "influxd.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n[meta]\ndir = "{folder}/meta"\n'
        f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n[http]\nbind-address = "127.0.0.1:{port}"\n'
    )
    base = f"http://127.0.0.1:{port}"
    with running("influxd", ["-config", str(config)], f"{base}/ping"):
        ask(f"{base}/query", b"q=CREATE DATABASE live")

        def read() -> Held:
            held: Held = {}
            for family in FAMILIES:
                query = urllib.parse.urlencode(
                    {"db": "live", "epoch": "ns", "q": f'SELECT * FROM "{family}" GROUP BY *'}
                )
                for series in json.loads(ask(f"{base}/query?{query}"))["results"][0].get("series", []):
                    tags = tuple((name, text) for name, text in sorted(series.get("tags", {}).items()) if text)
                    for row in series["values"]:
                        fields = {
                            n: v for n, v in zip(series["columns"], row, strict=True) if n != "time" and v is not None
                        }
                        held.setdefault((family, tags), {})[row[0]] = fields
            return held

        yield SeriesServer(InfluxStore(f"influx+http://127.0.0.1:{port}/live"), read, "last")


def victoria(folder: Path, path: str) -> Iterator[SeriesServer]:
    """VictoriaMetrics: by the export of all series. It takes the write path of either version."""
    port = free_port()
    arguments = [
        f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y",
        "-search.latencyOffset=0s", "-dedup.minScrapeInterval=1ms",
    ]  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    with running("victoria-metrics", arguments, f"{base}/health"):

        def read() -> Held:
            ask(f"{base}/internal/force_flush")
            held: Held = {}
            selector = urllib.parse.urlencode({"match[]": '{__name__!=""}', "reduce_mem_usage": 0})
            for line in ask(f"{base}/api/v1/export?{selector}").splitlines():
                series = json.loads(line)
                labels = dict(series["metric"])
                name = labels.pop("__name__")
                labels.pop("db", None)
                family = next(f for f in sorted(FAMILIES, key=len, reverse=True) if name.startswith(f + "_"))
                times = held.setdefault((family, tuple(sorted(labels.items()))), {})
                for at_ms, number in zip(series["timestamps"], series["values"], strict=True):
                    times.setdefault(at_ms * 1_000_000, {})[name[len(family) + 1 :]] = number
            return held

        store = InfluxStore(f"influx+http://127.0.0.1:{port}/{path}")
        yield SeriesServer(store, read, "any", precision_ns=1_000_000, is_exact=False)


def victoria_1(folder: Path) -> Iterator[SeriesServer]:
    yield from victoria(folder, "live")


def victoria_2(folder: Path) -> Iterator[SeriesServer]:
    yield from victoria(folder, "live?org=centre")


# --- Timestream ---


class _Body:
    """The body of an answer, as urllib3 gives it to botocore."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **options: Any) -> Iterator[bytes]:
        yield self._content


@functools.cache
def timestream_client() -> Any:
    """One client for all tests: botocore takes half a second to make one."""
    session = botocore.session.Session()
    session.set_credentials("id", "secret")
    return session.create_client("timestream-write", "eu-west-1", config=Config(retries={"total_max_attempts": 1}))


class TimestreamService:
    """Stands in for Timestream behind botocore's own client: its requests are serialised, signed and parsed as ever.

    Assumes, from the API reference: DescribeEndpoints comes first and names the host of all other calls; a record is
    its dimensions, measure name and time; a lower version, or an equal one with other values, is rejected with the
    existing version, and the other records of the call are stored.
    """

    host = "ingest-cell2.timestream.test"

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        self.databases: dict[str, dict[str, Any]] = {}
        self.records: dict[tuple[Any, ...], tuple[int, dict[str, float]]] = {}
        self.calls: list[str] = []
        self.fail_with: list[tuple[int, str]] = []
        self.client = timestream_client()
        self.client.meta.events.register("before-send.timestream-write", self.send, unique_id="timestream")

    def close(self) -> None:
        self.client.meta.events.unregister("before-send.timestream-write", unique_id="timestream")

    def send(self, request: Any, **others: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        self.calls.append(operation)
        assert operation == "DescribeEndpoints" or f"//{self.host}" in request.url, request.url
        if self.fail_with and operation != "DescribeEndpoints":
            status, body = self.fail_with[0][0], {"__type": self.fail_with.pop(0)[1]}
        else:
            status, body = getattr(self, xform_name(operation))(json.loads(request.body))
        return AWSResponse(request.url, status, {"x-amzn-requestid": "1"}, _Body(json.dumps(body).encode()))

    def describe_endpoints(self, call: Any) -> tuple[int, Any]:
        return 200, {"Endpoints": [{"Address": self.host, "CachePeriodInMinutes": 60}]}

    def _make(self, known: dict[str, Any], name: str, call: Any, is_new: bool) -> tuple[int, Any]:
        if (name in known) is is_new:
            return 400, {"__type": "ConflictException" if is_new else "ResourceNotFoundException"}
        known[name] = call
        return 200, {}

    def create_database(self, call: Any) -> tuple[int, Any]:
        return self._make(self.databases, call["DatabaseName"], call, True)

    def update_database(self, call: Any) -> tuple[int, Any]:
        return self._make(self.databases, call["DatabaseName"], call, False)

    def create_table(self, call: Any) -> tuple[int, Any]:
        return self._make(self.tables, call["TableName"], call, True)

    def update_table(self, call: Any) -> tuple[int, Any]:
        return self._make(self.tables, call["TableName"], call, False)

    def write_records(self, call: Any) -> tuple[int, Any]:
        if call["TableName"] not in self.tables:
            return 404, {"__type": "ResourceNotFoundException"}
        assert 1 <= len(call["Records"]) <= 100
        common, rejected, keys = call["CommonAttributes"], [], set()
        assert common == {"MeasureValueType": "MULTI", "TimeUnit": "NANOSECONDS"}
        for index, record in enumerate(call["Records"]):
            fault = self._store(record, keys)
            if fault is not None:
                rejected.append({"RecordIndex": index} | fault)
        if rejected:
            return 400, {
                "__type": "RejectedRecordsException",
                "Message": "One or more records",
                "RejectedRecords": rejected,
            }
        return 200, {"RecordsIngested": {"Total": len(call["Records"])}}

    def _store(self, record: Any, keys: set[Any]) -> Any:
        for dimension in record["Dimensions"]:
            assert dimension["Value"]
            assert len(dimension["Name"]) <= 60
        names = [d["Name"] for d in record["Dimensions"]] + [m["Name"] for m in record["MeasureValues"]]
        assert len(names) == len(set(names)), "a dimension and a measure share a name"
        assert not {"time", "measure_name", "measure_value"} & set(names)
        assert 1 <= len(record["MeasureValues"]) <= 256
        assert all(m["Type"] == "DOUBLE" and 1 <= len(m["Value"]) <= 2048 for m in record["MeasureValues"])
        tags = tuple((d["Name"], d["Value"]) for d in record["Dimensions"])
        key = record["MeasureName"], tags, int(record["Time"])
        assert key not in keys, "a call has one record twice"
        keys.add(key)
        if "poison" in str(tags):
            return {"Reason": "The record timestamp is outside the time range of the memory store"}
        fields = {m["Name"]: float(m["Value"]) for m in record["MeasureValues"]}
        version, stored = self.records.get(key, (0, {}))
        if record["Version"] < version or (record["Version"] == version and fields != stored):
            return {"Reason": "A higher version exists", "ExistingVersion": version}
        self.records[key] = record["Version"], fields
        return None

    def read(self) -> Held:
        held: Held = {}
        for (series, tags, at_ns), (_, fields) in self.records.items():
            held.setdefault((series, tags), {})[at_ns] = fields
        return held


def timestream(folder: Path) -> Iterator[SeriesServer]:
    service = TimestreamService()
    store = TimestreamStore(TimestreamAddress("centre"), service.client)
    store.install()
    yield SeriesServer(store, service.read, "version")
    service.close()


# The program that a server needs.
PROGRAMS_OF = {
    "influxd": "influxd",
    "victoria-metrics-1": "victoria-metrics",
    "victoria-metrics-2": "victoria-metrics",
}
MISSING = sorted({program for program in PROGRAMS_OF.values() if program_path(program) is None})
SERVERS: dict[str, Callable[[Path], Iterator[SeriesServer]]] = {
    "memory": memory,
    "prometheus": prometheus,
    "influx-1-stand-in": influx_1,
    "influx-2-stand-in": influx_2,
    "influxd": influxd,
    "victoria-metrics-1": victoria_1,
    "victoria-metrics-2": victoria_2,
    "timestream-stand-in": timestream,
}

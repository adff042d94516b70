"""A real server of Kinesis's protocol whose closed shards end: resharding in the middle of a day.

`make servers` fetches it, and KINESIS_LOCAL may name another folder that has its `main.js`. moto never ends a shard.
"""

from __future__ import annotations

import binascii
import http.client
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from homes import NARROW, narrow, opened, table, totals

from tools.servers import kinesis_path, missing
from trunkline.pipelines.jobs.follow import follow_kinesis
from trunkline.sources.kinesis.shards import KinesisFollowing

FOLDER = os.environ.get("KINESIS_LOCAL") or kinesis_path()
pytestmark = pytest.mark.skipif(FOLDER is None, reason=missing("kinesis-local, or no node"))


@pytest.fixture
def kinesis() -> Iterator[Any]:
    with socket.socket() as plain, socket.socket() as secure:
        for free in (plain, secure):
            free.bind(("127.0.0.1", 0))
        port, secure_port = (free.getsockname()[1] for free in (plain, secure))
    durations = ("CREATE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT", "DELETE_STREAM")
    environ = {
        **os.environ, "KINESIS_MOCK_PLAIN_PORT": str(port), "KINESIS_MOCK_TLS_PORT": str(secure_port), "LOG_LEVEL": "ERROR",
        **{f"{name}_DURATION": "20ms" for name in durations},
    }  # fmt: skip
    server = subprocess.Popen(["node", "main.js"], cwd=FOLDER, env=environ, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            time.sleep(0.1)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=2)
                break
            except OSError:
                continue
        yield boto3.client("kinesis", region_name="eu-west-2", endpoint_url=f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()


def _initial_response() -> bytes:
    """The first event of a subscription, which Amazon's service sends, botocore wants, and kinesis-local omits."""

    def header(name: str, value: str) -> bytes:
        return bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2) + value.encode()

    headers = header(":message-type", "event") + header(":event-type", "initial-response")
    prelude = (len(headers) + 18).to_bytes(4) + len(headers).to_bytes(4)
    prelude += binascii.crc32(prelude).to_bytes(4)
    body = prelude + headers + b"{}"
    return body + binascii.crc32(body).to_bytes(4)


@contextmanager
def with_initial_response(url: str) -> Iterator[str]:
    """The server behind a proxy that puts that event first."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = urllib.request.Request(url, body, dict(self.headers))
            try:
                answer = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                answer = error
            self.send_response(answer.status)
            for name in ("Content-Type", "x-amzn-RequestId", "x-amzn-ErrorType"):
                if answer.headers.get(name):
                    self.send_header(name, answer.headers[name])
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            if self.headers["X-Amz-Target"].endswith("SubscribeToShard") and answer.status == 200:
                self._chunk(_initial_response())
            # Either end may have closed a subscription.
            with answer, suppress(http.client.HTTPException, OSError):
                while piece := answer.read1(65_536):
                    self._chunk(piece)
                self._chunk(b"")

        def _chunk(self, piece: bytes) -> None:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def settled(kinesis: Any) -> list[dict[str, Any]]:
    """The open shards, once the stream is active."""
    while kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
        time.sleep(0.05)
    shards = kinesis.list_shards(StreamName="s")["Shards"]
    return [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]


def test_a_stream_is_resharded_in_the_middle_of_a_day(kinesis: Any, tmp_path: Path) -> None:
    """Split while it is followed, merged and split again between runs: each record once, each agent's in order."""
    kinesis.create_stream(StreamName="s", ShardCount=2)
    settled(kinesis)
    count = 0
    order: list[int] = []

    def put(number: int) -> None:
        nonlocal count
        entries = [
            {"Data": json.dumps(narrow(f"{count + place:04}")).encode(), "PartitionKey": f"agent-{place % 5}"}
            for place in range(number)
        ]
        assert kinesis.put_records(StreamName="s", Records=entries)["FailedRecordCount"] == 0
        count += number

    def split() -> None:
        first = settled(kinesis)[0]
        low, high = (int(first["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending"))
        kinesis.split_shard(StreamName="s", ShardToSplit=first["ShardId"], NewStartingHashKey=str((low + high) // 2))
        settled(kinesis)

    def watch(records: Any) -> None:
        order.extend(int(json.loads(record.data)["ContactId"]) for record in records)
        if count == 40:
            split()
            put(40)

    with opened(tmp_path, NARROW) as home:
        put(40)
        for step in range(3):
            following = KinesisFollowing("s", kinesis, until_idle=True, sleep=lambda _: time.sleep(0.01), watch=watch)
            follow_kinesis(home, [NARROW], following)
            assert len(table(home, NARROW)) == count
            if step == 0:
                left, right = sorted(settled(kinesis), key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))[:2]
                kinesis.merge_shards(
                    StreamName="s", ShardToMerge=left["ShardId"], AdjacentShardToMerge=right["ShardId"]
                )
                settled(kinesis)
                put(20)
                split()
                put(20)
        counts = totals(home, NARROW)
        assert (counts.read, counts.inserted) == (120, 120)
    for agent in range(5):
        mine = [number for number in order if number % 5 == agent]
        assert mine == sorted(mine)


@pytest.mark.soak
def test_records_are_pushed(kinesis: Any, tmp_path: Path) -> None:
    """Enhanced fan-out through boto3: a stream that is split between two runs. This server never says that a shard ends.

    It takes seconds to end a subscription; `tests/sources/test_kinesis.py` has pushes by default.
    """
    kinesis.create_stream(StreamName="s", ShardCount=1)
    (first,) = settled(kinesis)

    def put(*ids: str) -> None:
        entries = [{"Data": json.dumps(narrow(id_)).encode(), "PartitionKey": id_} for id_ in ids]
        assert kinesis.put_records(StreamName="s", Records=entries)["FailedRecordCount"] == 0

    with with_initial_response(kinesis.meta.endpoint_url) as url, opened(tmp_path, NARROW) as home:
        client = boto3.client("kinesis", region_name="eu-west-2", endpoint_url=url)
        following = KinesisFollowing("s", client, fan_out="ours", until_idle=True, sleep=lambda _: time.sleep(0.05))
        put(*(f"{number:03}" for number in range(50)))
        (result,) = follow_kinesis(home, [NARROW], following)
        assert (result.counts.inserted, result.files) == (50, 1)
        middle = str(int(first["HashKeyRange"]["EndingHashKey"]) // 2)
        kinesis.split_shard(StreamName="s", ShardToSplit=first["ShardId"], NewStartingHashKey=middle)
        settled(kinesis)
        put(*(f"{number:03}" for number in range(50, 80)))
        (result,) = follow_kinesis(home, [NARROW], following)
        assert (result.counts.read, result.counts.inserted, result.files) == (30, 30, 3)
        client.close()

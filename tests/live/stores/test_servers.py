"""What single stores do when the server refuses, fails or is absent, and what they ask of it."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import live_events
import pytest
from live_events import NOON
from series_servers import LineServer, TimestreamService, free_port, line_server, timestream_client

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.limits import INFLUX_LINES_MAX, MEMORY_POINTS_MAX
from trunkline.live.points import Point
from trunkline.live.stores import memory
from trunkline.live.stores.influx import InfluxStore, line_of
from trunkline.live.stores.memory import MemoryStore
from trunkline.live.stores.prometheus import PrometheusStore
from trunkline.live.stores.registry import open_store
from trunkline.live.stores.timestream import TimestreamAddress, TimestreamStore, address_of


def point(tag: str = "q-1", number: float = 1, version: int = 1) -> Point:
    return Point("trunkline_queue", (("queue", tag),), {"waiting": float(number)}, NOON, version=version)


# --- InfluxDB ---


@pytest.fixture
def influx() -> Iterator[tuple[InfluxStore, type[LineServer]]]:
    with line_server() as (netloc, handler):
        store = InfluxStore(f"influx+http://ana:p%40ss@{netloc}/live")
        yield store, handler
        store.close()


def test_line_protocol() -> None:
    """Commas, spaces and equals signs of tags escaped; floats; nanoseconds."""
    odd = Point("trunkline_queue_info", (("name", "a b,c=d"), ("queue", "q")), {"info": 1.0}, NOON, offset_ns=7)
    assert line_of(odd) == "trunkline_queue_info,name=a\\ b\\,c\\=d,queue=q info=1.0 1772539200000000007"


def test_write_paths(influx) -> None:
    """Version 1 with user and password, version 2 with a token; the time's unit is said."""
    store, handler = influx
    store.write([point()], NOON)
    path, login, _ = handler.requests[-1]
    assert path == "/write?db=live&precision=ns"
    assert login == "Basic " + base64.b64encode(b"ana:p@ss").decode()
    netloc = f"127.0.0.1:{store._connection.port}"
    for url, expected in (
        (f"influx+http://{netloc}/my%20bucket?org=a%26b", "/api/v2/write?org=a%26b&bucket=my%20bucket&precision=ns"),
        (f"influx+http://{netloc}/live?rp=month", "/write?db=live&rp=month&precision=ns"),
    ):
        other = open_store(url, "t0ken")
        other.write([point()], NOON)
        other.close()
        assert handler.requests[-1][:2] == (expected, "Token t0ken")


@pytest.mark.parametrize(
    "url",
    [
        "influx+http:///live",
        "influx+http://host:8086",
        "influx+http://host/a/b",
        "kafka://x",
        "timestream://",
        "timestream://d?memory_hours=0",
        "timestream://d?magnetic_days=x",
        "timestream://d?colour=red",
    ],
)
def test_urls_that_are_not_valid(url: str) -> None:
    """The message shows what is."""
    with pytest.raises(UsageError, match="valid is|memory_hours is 1 to"):
        open_store(url)


def test_a_url_with_a_password_is_not_shown() -> None:
    """Neither in errors of the URL nor of the server."""
    for url in ("influx+http://ana:secret@127.0.0.1/a/b", f"influx+http://ana:secret@127.0.0.1:{free_port()}/live"):
        with pytest.raises((UsageError, TransientError)) as failed:
            open_store(url).write([point()], NOON)
        assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (401, TerminalError, "token"),
        (403, TerminalError, "token"),
        (404, TerminalError, "exists"),
        (429, TransientError, "try again"),
        (503, TransientError, "try again"),
    ],
)
def test_answers_of_influx(influx, status: int, error: type[Exception], text: str) -> None:
    """What a retry may help, and what a person must do."""
    store, handler = influx
    handler.answers.append(status)
    with pytest.raises(error, match=text):
        store.write([point()], NOON)
    assert store.write([point()], NOON).accepted == 1


def test_a_poisoned_line_is_found_and_set_aside(influx) -> None:
    """The server refuses a request as a whole, or in part, and does not say which: every other point is stored."""
    store, handler = influx
    points = [point(f"q-{n}" if n % 40 != 17 else f"poison-{n}") for n in range(100)]
    written = store.write(points, NOON)
    assert (written.accepted, [r.point.tags[0][1] for r in written.refused]) == (
        97,
        ["poison-17", "poison-57", "poison-97"],
    )
    assert len(handler.held) == 97
    assert len(handler.requests) < 60


def test_requests_are_bounded(influx) -> None:
    """At most 5,000 lines each."""
    store, handler = influx
    assert store.write([point(f"q-{n}") for n in range(INFLUX_LINES_MAX + 1)], NOON).accepted == INFLUX_LINES_MAX + 1
    assert [lines for _, _, lines in handler.requests] == [INFLUX_LINES_MAX, 1]


def test_a_closed_connection_is_opened_again(influx) -> None:
    """A server that closes idle connections is no error; one that is not there is."""
    store, _ = influx
    store.write([point()], NOON)
    store._connection.sock.shutdown(2)
    assert store.write([point()], NOON).accepted == 1
    with pytest.raises(TransientError, match="did not answer"):
        InfluxStore(f"influx+http://127.0.0.1:{free_port()}/live").write([point()], NOON)


# --- Timestream ---


@pytest.fixture
def timestream() -> Iterator[tuple[TimestreamStore, TimestreamService]]:
    service = TimestreamService()
    store = TimestreamStore(
        address_of("timestream://centre/now?region=eu-west-1&kms_key=alias/live&memory_hours=12"), service.client
    )
    store.install()
    yield store, service
    service.close()


def test_endpoints_are_asked_for(timestream) -> None:
    """No call but the first goes to the address of the Region; the stand-in refuses any other host."""
    timestream_client.cache_clear()
    fresh = TimestreamService()
    TimestreamStore(TimestreamAddress("centre"), fresh.client).install()
    assert fresh.calls == ["DescribeEndpoints", "CreateDatabase", "CreateTable"]
    fresh.close()


def test_install_makes_retention_and_key(timestream) -> None:
    """Memory and magnetic store, late records allowed; again, it updates them."""
    store, service = timestream
    assert service.databases == {"centre": {"DatabaseName": "centre", "KmsKeyId": "alias/live"}}
    assert service.tables["now"]["RetentionProperties"] == {
        "MemoryStoreRetentionPeriodInHours": 12,
        "MagneticStoreRetentionPeriodInDays": 365,
    }
    assert service.tables["now"]["MagneticStoreWriteProperties"] == {"EnableMagneticStoreWrites": True}
    store.install()
    assert [call for call in service.calls if call.startswith("Update")] == ["UpdateDatabase", "UpdateTable"]


def test_rejected_records_are_set_aside(timestream) -> None:
    """The others of the call are stored; an older version than the stored one is no fault."""
    store, service = timestream
    store.write([point("old", 5, version=9)], NOON)
    points = [point(f"q-{n}") for n in range(150)] + [point("poison"), point("old", 3, version=2)]
    written = store.write(points, NOON)
    assert (written.accepted, written.superseded) == (150, 1)
    ((refused, reason),) = [(r.point.tags[0][1], r.reason) for r in written.refused]
    assert (refused, "memory store" in reason) == ("poison", True)
    assert len(service.records) == 151
    assert service.calls.count("WriteRecords") == 3


def test_errors_of_timestream(timestream) -> None:
    """Throttling is passing; a missing table, or no permission, is for a person."""
    store, service = timestream
    for status, code, error in (
        (429, "ThrottlingException", TransientError),
        (500, "InternalServerException", TransientError),
        (403, "AccessDeniedException", TerminalError),
    ):
        service.fail_with.append((status, code))
        with pytest.raises(error, match=r"centre\.now"):
            store.write([point()], NOON)
    service.tables.clear()
    with pytest.raises(TerminalError, match="does not exist"):
        store.write([point()], NOON)


def test_tags_that_are_too_long_for_timestream(timestream) -> None:
    """2 KB of names and values: refused before the call, since one of them fails it whole."""
    store, _ = timestream
    long = Point(
        "trunkline_contact_event",
        tuple((tag, "ü" * 256) for tag in ("channel", "event_type", "instance", "queue")),
        {"events": 1.0},
        NOON,
    )
    written = store.write([long, point()], NOON)
    assert (written.accepted, [r.point for r in written.refused]) == (1, [long])


# --- Prometheus and memory ---


def test_the_scrape() -> None:
    """Help and type once a family, labels escaped, and nothing that is stale."""
    store = PrometheusStore()
    info = Point("trunkline_queue_info", (("name", 'a "b"'), ("queue", "q")), {"info": 1.0}, NOON)
    store.write([point("q-1", 2), point("q-2", 0.5), info], NOON)
    assert store.scrape(NOON) == (
        "# HELP trunkline_queue_waiting Contacts in queue that are not offered to an agent.\n"
        "# TYPE trunkline_queue_waiting gauge\n"
        'trunkline_queue_waiting{queue="q-1"} 2.0\n'
        'trunkline_queue_waiting{queue="q-2"} 0.5\n'
        "# HELP trunkline_queue_info_info Always 1.\n"
        "# TYPE trunkline_queue_info_info gauge\n"
        'trunkline_queue_info_info{name="a \\"b\\"",queue="q"} 1.0\n'
    )
    store.write([replace(point("q-1", 3), at=NOON + timedelta(minutes=4))], NOON + timedelta(minutes=4))
    assert 'queue="q-1"} 3.0' in store.scrape(NOON + timedelta(minutes=6))
    assert "q-2" not in store.scrape(NOON + timedelta(minutes=6))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest points of a series, and so many series; what is beyond is refused, not dropped silently."""
    store = MemoryStore()
    points = [replace(point(number=n), at=live_events.after(-n)) for n in range(MEMORY_POINTS_MAX + 10)]
    store.write(points, NOON)
    stored = store.read("trunkline_queue")
    assert [p.fields["waiting"] for p in stored] == [float(n) for n in reversed(range(MEMORY_POINTS_MAX))]
    monkeypatch.setattr(memory, "MEMORY_SERIES_MAX", 1)
    written = store.write([point("q-2")], NOON)
    assert (written.accepted, len(written.refused)) == (0, 1)


def test_importing_the_live_core_is_light() -> None:
    """No DuckDB and no AWS client before a Timestream store is used."""
    program = (
        "import sys, trunkline.live.views, trunkline.live.saved, trunkline.live.convergence, trunkline.live.points,"
        "trunkline.live.stores.registry\nprint([m for m in ('duckdb', 'boto3', 'botocore', 'sqlglot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

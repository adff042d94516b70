"""What programs ask of a board that runs: JSON, OpenAPI, Prometheus, health, the token, a webhook, and many readers."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from board_process import ROOT, BoardProcess
from live_events import QUEUE, after, agent_event, contact_event, contact_record, offered, snapshot, stamp

from tools.servers import program_path

TOKEN = "a-long-token-of-a-test"
TRUNKLINE = (sys.executable, "-c", "from trunkline.cli.main import main; main()")
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def queued(contact_id: str, at_s: float = 0) -> bytes:
    return contact_event("QUEUED", contact_id, queueInfo={"queueArn": QUEUE, "enqueueTimestamp": stamp(after(at_s))})


def ask(url: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and text."""
    try:
        with urlopen(Request(url, headers=headers or {}), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def until(condition: Any, timeout_s: float = 15) -> Any:
    """The first true result of a function."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)
    return result


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that keeps what is posted to it; the first request fails."""
    bodies: list[dict[str, Any]] = []
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append(self.path)
            if len(requests) > 1:
                bodies.append(json.loads(body))
            self.send_response(500 if len(requests) == 1 else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", bodies
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BoardProcess, list[dict[str, Any]]]]:
    """A board with a token and a webhook: one agent on a call, one contact waiting, one that has ended."""
    folder = tmp_path_factory.mktemp("board")
    with webhook() as (url, bodies):
        (folder / "wallboard.json").write_text(json.dumps({"webhook": url, "thresholds": {"waiting_watch": 1}}))
        with BoardProcess(folder, {"TRUNKLINE_SERVE_TOKEN": TOKEN}) as process:
            process.set_time(after(30))
            talk = offered("c-talk", "CONNECTED", 5, 5)
            queue = {"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(after(0)), "Duration": 5}
            process.send(agent_event(5, snapshot(contacts=[talk])), queued("c-wait"), b"{broken", queued("c-talk"))
            process.send(contact_record("c-done", Queue=queue))
            until(lambda: '"refused":1' in ask(process.url + "api/v1/health", BEARER)[1])
            until(lambda: '"events":5' in ask(process.url + "api/v1/health", BEARER)[1])
            yield process, bodies


def test_json(board) -> None:
    """Queues, agents, waiting contacts, the day, and the contacts behind a number."""
    url = board[0].url + "api/v1/"

    def get(path: str) -> Any:
        status, text = ask(url + path, BEARER)
        assert status == 200, text
        return json.loads(text)

    (queue,) = get("queues")
    assert (queue["name"], queue["waiting"], queue["in_progress"], queue["service_level"]) == ("Sales", 1, 1, 100.0)
    (agent,) = get("agents")
    assert (agent["username"], agent["label"], agent["contact"]) == ("ana", "On contact", "Voice, Sales")
    assert get("agents/totals")["on_contact"] == 1
    assert [contact["contact_id"] for contact in get("waiting")] == ["c-wait"]
    assert get("today")["queued"] == 1
    behind = get("contacts?what=SERVICE_LEVEL&queue=q-1")
    assert (behind["count"], behind["counted"]) == (1, 1)
    assert get("contacts/c-done")["is_final"] is True
    assert ask(url + "contacts/nobody", BEARER)[0] == 404
    assert ask(url + "contacts?what=nonsense", BEARER)[0] == 422


def test_the_description_names_every_route(board) -> None:
    """OpenAPI for programs, and a page for people that fetches nothing from elsewhere."""
    description = json.loads(ask(board[0].url + "openapi.json", BEARER)[1])
    assert {"/api/v1/queues", "/api/v1/contacts", "/metrics", "/healthz"} <= {*description["paths"]}
    _, page = ask(board[0].url + "api", BEARER)
    assert all(path in page for path in description["paths"])
    assert re.findall(r"(?:src|href)=\"https?://", page) == []


def test_metrics(board) -> None:
    """Prometheus' format: the live series and the board's own; promtool agrees where it is installed."""
    status, text = ask(board[0].url + "metrics", BEARER)
    assert status == 200
    assert re.search(r'trunkline_queue_waiting\{.*queue="q-1".*\} 1', text)
    assert "trunkline_board_events_total 5" in text
    assert "trunkline_board_refused_total 1" in text
    assert "c-wait" not in text
    if promtool := program_path("promtool"):
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert "error" not in done.stderr.lower()


def test_the_token_guards_everything(board) -> None:
    """Only health and the form answer without it; a browser is sent to the form, another site is refused."""
    url = board[0].url
    assert ask(url + "healthz") == (200, "ok\n")
    guarded = ("", "events", "api/v1/queues", "metrics", "openapi.json", "contacts?what=open", "settings", "session")
    assert {ask(url + path)[0] for path in guarded} == {401}
    assert {ask(url + path, {"Authorization": "Bearer wrong"})[0] for path in guarded} == {401}
    status, text = ask(url, {"Accept": "text/html"})
    assert (status, "Token" in text) == (200, True)  # after the redirection
    foreign = Request(url + "login", b"token=x", {"Origin": "https://evil.example"}, method="POST")
    with pytest.raises(HTTPError, match="403"):
        urlopen(foreign, timeout=20)
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=20)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    connection.request(
        "GET",
        "/_nicegui_ws/socket.io/?EIO=4&transport=websocket",
        headers={**headers, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    )
    assert connection.getresponse().status == 403
    connection.close()


def test_alerts_reach_the_webhook(board) -> None:
    """An alert is posted when it begins, although the first try fails, and again when it ends."""
    process, bodies = board
    assert until(lambda: bodies)[0]["state"] == "open"
    assert bodies[0]["level"] == "watch"
    assert "Sales" in bodies[0]["text"]
    process.send(agent_event(20, snapshot(contacts=[offered("c-wait", "CONNECTED", 20, 20)])))
    assert until(lambda: [body for body in bodies if body["state"] == "closed"])[0]["key"] == bodies[0]["key"]


class FrameReader(threading.Thread):
    """A board without a browser: it puts the parts of frames together as the page does, and notes what it has shown.

    `wholes` counts the frames that replaced everything: the first, and one for each backlog that it did not read.
    `gap_s` is the longest time between two frames.
    """

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.sequences, self.shown = url, [0], {}
        self.parts: dict[str, str] = {}
        self.wholes = 0
        self.gap_s, self._read_s = 0.0, time.monotonic()
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            with urlopen(self.url + "events", timeout=30) as stream:
                for line in stream:
                    if line.startswith(b"data: "):
                        self.take(json.loads(line[6:]))
        except (OSError, http.client.HTTPException) as error:
            self.problem = error

    def take(self, frame: dict[str, Any]) -> None:
        read_s = time.monotonic()
        self.gap_s, self._read_s = max(self.gap_s, read_s - self._read_s), read_s
        if frame.get("full"):
            self.parts, self.wholes = {}, self.wholes + 1
        self.parts |= frame.get("parts", {})
        for name in frame.get("removed", []):
            self.parts.pop(name, None)
        self.sequences.append(frame["sequence"])
        for name in frame.get("parts", {}):
            if name.startswith("waiting-c-"):
                self.shown.setdefault(name.removeprefix("waiting-"), time.monotonic())


WAIT_S = 2.0


def check_many(folder: Path, readers: int, seconds: float, events_s: float) -> tuple[float, float]:
    """Open boards and send events: each board that keeps up shows every contact, and in the end all have the same parts.

    Returns the server's memory, MB, after a third of the time and at the end.
    """
    lasting = round(WAIT_S * events_s / 50) * 50
    with BoardProcess(folder) as process:
        process.set_time(after(0))
        process.send(agent_event(0, snapshot()))
        until(lambda: ask(process.url + "healthz")[0] == 200, 30)
        boards = [FrameReader(process.url) for _ in range(readers)]
        for reader in boards:
            reader.start()
        until(lambda: all(len(reader.sequences) > 1 for reader in boards), 60)
        started, number, marked, memory_mb = time.monotonic(), 0, [], 0.0
        while (elapsed_s := time.monotonic() - started) < seconds:
            while number < elapsed_s * events_s:
                # So few contacts wait at a time that each is on the list of every board, for long enough that a board
                # which gets the newest state instead of a backlog has it too; the others are agents' events.
                if number % 50 == 0:
                    contact_id = f"c-{number}"
                    marked.append(contact_id)
                    process.send(queued(contact_id, elapsed_s))
                elif number % 50 == 45 and number > lasting:
                    ended = f"c-{number - 45 - lasting}"
                    process.send(contact_record(ended, LastUpdateTimestamp=stamp(after(elapsed_s))))
                else:
                    status = {
                        "ARN": "s",
                        "Name": "Available",
                        "Type": "ROUTABLE",
                        "StartTimestamp": stamp(after(elapsed_s)),
                    }
                    process.send(
                        agent_event(elapsed_s, snapshot(AgentStatus=status), AgentARN=f"a/agent/{number % 200}")
                    )
                number += 1
            if elapsed_s > seconds / 3 and memory_mb == 0:
                memory_mb = process.memory_mb
            time.sleep(0.01)
        until(lambda: all(marked[-1] in reader.shown for reader in boards), 30)
        fresh = FrameReader(process.url)
        fresh.start()
        until(lambda: fresh.parts and all(reader.parts == fresh.parts for reader in boards), 60)
        ended_mb = process.memory_mb
        assert process.stop(signal.SIGINT) == 0
        for reader in boards:
            reader.join(20)
        # Boards that kept up were sent the same frames. One that the machine kept from reading gets the newest state
        # instead of a backlog, and a contact is in no frame only where there was none for as long as it waited.
        framed = {contact_id for reader in boards for contact_id in reader.shown}
        assert framed >= {*marked} or min(reader.gap_s for reader in boards) >= WAIT_S
        for reader in boards:
            assert framed == reader.shown.keys() or reader.wholes > 1
            assert reader.sequences == sorted(reader.sequences)
        behind = sum(reader.wholes > 1 for reader in boards)
        sys.stdout.write(
            f"{number} events, {readers} boards, {behind} behind at times: {memory_mb:.0f}, {ended_mb:.0f} MB\n"
        )
        return memory_mb, ended_mb


def test_twenty_boards_lose_nothing(tmp_path: Path) -> None:
    """Each board shows each contact that waits, and a stop ends their streams at once."""
    check_many(tmp_path, 20, 4, 100)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_two_hundred_boards_for_ten_minutes(tmp_path: Path) -> None:
    """200 boards at 200 events a second: no lost update, and memory stays as it was."""
    before_mb, after_mb = check_many(tmp_path, 200, 600, 200)
    assert after_mb < before_mb * 1.3 + 60


def test_the_demo_plays_a_day(tmp_path: Path) -> None:
    """`demo --serve` prints its URL, shows the day as it goes, loads its records, and ends with Ctrl-C."""
    command = [*TRUNKLINE, *["demo", "--serve", "--contacts", "200", "--speed", "600", "--port", "0"]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as demo:
        assert demo.stdout is not None
        line = demo.stdout.readline().decode()
        assert line.startswith("Wallboard: http://127.0.0.1:"), line
        url = line.split()[1]
        first = json.loads(ask(url + "api/v1/today")[1])
        assert first["arrivals_before"] is not None
        until(lambda: json.loads(ask(url + "api/v1/today")[1])["handled"] > first["handled"])
        assert "Service level" in ask(url + f"history/report?day={first['day']}")[1]
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    assert [*(tmp_path / "trunkline-demo" / "firehose" / "live").iterdir()]


def test_serve_shows_what_is_loaded(tmp_path: Path) -> None:
    """Without streams the board has the contacts of today that the home has loaded, and raises no alarm of silence."""
    from trunkline import clock

    now = clock.now()
    record = json.loads(
        contact_record("c-1", Queue={"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(now), "Duration": 5})
    )
    record |= {name: stamp(now) for name in ("InitiationTimestamp", "DisconnectTimestamp", "LastUpdateTimestamp")}
    (tmp_path / "records").write_text(json.dumps(record))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TRUNKLINE_HOME": str(tmp_path / "home")}
    program = [*TRUNKLINE]
    load = [*program, "load", "contact_record", str(tmp_path / "records")]
    subprocess.run(load, env=environment, check=True, capture_output=True)
    serve = [*program, "serve", "--port", "0"]
    with subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[1]
        until(lambda: json.loads(ask(url + "api/v1/today")[1])["queued"] == 1)
        assert json.loads(ask(url + "api/v1/alerts")[1])["open"] == []
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_an_open_address_needs_a_token(tmp_path: Path) -> None:
    """`serve --host 0.0.0.0` without a token is wrong usage, and says what to set."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    environment.pop("TRUNKLINE_SERVE_TOKEN", None)
    command = [*TRUNKLINE, "serve", "--host", "0.0.0.0", "--home", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "TRUNKLINE_SERVE_TOKEN" in done.stderr) == (2, True)

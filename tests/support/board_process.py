"""A wallboard in a process of its own: events come by standard input, one JSON text a line, and the clock is the test's.

`python board_process.py FOLDER PORT` serves until a signal and prints its URL. A line `now SECONDS` sets the board's
time, after which it runs on by itself; `lag STREAM SECONDS` sets how far a stream is behind.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
READY_S = 60


class BoardProcess:
    """A board that a test feeds; `with` ends it. `start` may be called again after `stop`, on the same port."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.url = ""
        self._port = 0
        self._environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; returns when pages can be opened."""
        command = [sys.executable, __file__, str(self.folder), str(self._port)]
        self._process = subprocess.Popen(
            command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.folder
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], READY_S)
        assert ready, "the board did not start"
        self.url = self._process.stdout.readline().decode().strip()
        assert self.url, "the board ended before it was ready"
        self._port = int(self.url.rstrip("/").rpartition(":")[2])

    def stop(self, with_signal: int = signal.SIGINT) -> int:
        """End it by a signal; its exit code."""
        assert self._process is not None
        self._process.send_signal(with_signal)
        code = self._process.wait(timeout=20)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def send(self, *lines: bytes) -> None:
        """Give it lines."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join(line + b"\n" for line in lines))
        self._process.stdin.flush()

    def set_time(self, now: datetime) -> None:
        self.send(f"now {now.timestamp()}".encode())

    @property
    def memory_mb(self) -> float:
        """Resident memory."""
        assert self._process is not None
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_s(self) -> float:
        """CPU time used so far."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(folder: Path, port: int) -> None:
    from trunkline import clock
    from trunkline.live.fold import LiveState
    from trunkline.live.rules import LiveRules
    from trunkline.serve.wallboard.access import Access
    from trunkline.serve.wallboard.board import Board, BoardClock
    from trunkline.serve.wallboard.server import listen, serve_board, url_of
    from trunkline.settings.installation import Settings
    from trunkline.settings.secrets import edit_token, serve_token

    settings = Settings.load(folder)
    base = [datetime(2026, 3, 3, 12, tzinfo=UTC), clock.monotonic_s()]

    def now() -> datetime:
        return base[0] + timedelta(seconds=clock.monotonic_s() - base[1])

    board = Board(LiveState(LiveRules()), folder / "wallboard.json", BoardClock(now), is_connected=True)

    def lines() -> Iterator[bytes]:
        # A buffered reader in a thread would hinder the end of the process.
        rest = b""
        while data := os.read(0, 1 << 16):
            *whole, rest = (rest + data).split(b"\n")
            yield from whole

    def read() -> None:
        for line in lines():
            if line.startswith(b"now "):
                base[:] = datetime.fromtimestamp(float(line[4:]), UTC), clock.monotonic_s()
                board.mark_changed()
            elif line.startswith(b"lag "):
                _, stream, seconds = line.split()
                board.set_lag(stream.decode(), float(seconds))
            else:
                board.apply([line])

    opened = listen("127.0.0.1", port)
    sys.stdout.write(f"{url_of(opened)}\n")
    sys.stdout.flush()
    threading.Thread(target=read, daemon=True).start()
    access = Access(serve_token(), settings.serve_session_hours, edit_token())
    try:
        asyncio.run(serve_board(board, access, None, opened))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

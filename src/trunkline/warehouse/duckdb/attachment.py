"""The warehouse file in an engine: attached to write it, and let go in between so that others can read it.

DuckDB locks the file for as long as it is attached: one writer, or any number of readers. A reader that finds it locked
takes a lock of its own on the file `.turn` while it tries, and a writer does not attach the file again before that.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from trunkline import clock
from trunkline.engines.model import text_literal
from trunkline.errors import LockedError, TerminalError
from trunkline.limits import READER_WAIT_S_MAX

CATALOG: Final = "warehouse"
"""What a connection calls the warehouse file."""
ROW_GROUP_ROWS: Final = 16_384
"""Rows that DuckDB compresses as one. A commit writes its last group whole, over all columns (6 us a row), and at its
own size of 122,880 that is most of what a merge of some thousand rows costs."""
_PAUSE_S: Final = 0.02
# How long a writer lets readers go first, and how long one of these tries.
_TURN_S: Final = 2.0
_TRY_S: Final = 0.5


@dataclass(slots=True)
class Attachment:
    """The file of an engine that writes it. `notify` gets a sentence where it has to wait for a reader."""

    con: duckdb.DuckDBPyConnection
    path: Path
    notify: Callable[[str], None] = lambda _: None
    _is_shared: bool = False
    _is_attached: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def attach(self) -> None:
        """Attach the file. Raises LockedError at once where another process has it, TerminalError if it is damaged."""
        with _explained(self.path):
            options = f"(ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
            self.con.execute(f"ATTACH {text_literal(str(self.path))} AS {CATALOG} {options}")
        self.con.execute(f"USE {CATALOG}")
        self._is_attached = True

    def ensure(self) -> None:
        """Attach the file unless it is, or is shared. Waits for readers."""
        if not self._is_attached and not self._is_shared:
            self._attach_when_free()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Meanwhile the file is attached only within `use`."""
        with self._lock:
            self._is_shared = True
            self._detach()
        try:
            yield
        finally:
            self._is_shared = False

    @contextmanager
    def use(self) -> Iterator[None]:
        """The file is attached, and while it is shared let go again. Waits for readers.

        Raises LockedError where one reads for longer than READER_WAIT_S_MAX.
        """
        if not self._is_shared:
            self.ensure()
            yield
            return
        with self._lock:
            is_outermost = not self._is_attached
            if is_outermost:
                self._attach_when_free()
            try:
                yield
            finally:
                if is_outermost:
                    self._detach()

    def _detach(self) -> None:
        if self._is_attached:
            self.con.execute(f"USE memory; DETACH {CATALOG}")
            self._is_attached = False

    def _attach_when_free(self) -> None:
        _wait_for_turn(self.path)
        until_s = clock.monotonic_s() + READER_WAIT_S_MAX
        is_notified = False
        while True:
            try:
                self.attach()
                return
            except LockedError as error:
                if clock.monotonic_s() > until_s:
                    raise
                if not is_notified:
                    self.notify(f"{error.what} is in use by {error.holder}; the load goes on when it ends.")
                    is_notified = True
                time.sleep(_PAUSE_S)


def attach_to_read(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach the file read-only. Where a writer has it, tries for a moment, then raises LockedError."""
    if _is_attached_to_read(con, path):
        return
    until_s = clock.monotonic_s() + _TRY_S
    with _turn(path):
        while not _is_attached_to_read(con, path, is_last=clock.monotonic_s() > until_s):
            time.sleep(_PAUSE_S)


def _is_attached_to_read(con: duckdb.DuckDBPyConnection, path: Path, is_last: bool = False) -> bool:
    try:
        with _explained(path):
            con.execute(f"ATTACH {text_literal(str(path))} AS {CATALOG} (READ_ONLY)")
    except LockedError:
        if is_last:
            raise
        return False
    return True


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """A reader's lock on the file `.turn`, which ends with the process. Nothing in a folder that it may not write."""
    try:
        handle = os.open(path.parent / ".turn", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _wait_for_turn(path: Path) -> None:
    """Let readers that wait open the file first."""
    try:
        handle = os.open(path.parent / ".turn", os.O_RDWR)
    except OSError:
        return
    until_s = clock.monotonic_s() + _TURN_S
    try:
        while clock.monotonic_s() < until_s:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE_S)
            else:
                return
    finally:
        os.close(handle)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        if "could not write" in str(error).lower():
            raise  # no room; whoever opens the home says so
        if "lock" in str(error).lower():
            holder = re.search(r"\(PID (\d+)\)", str(error))
            process = f"process {holder[1]}" if holder else "another process"
            raise LockedError(f"the warehouse {path}", process, is_read=True) from None
        raise TerminalError(
            f"the warehouse {path} cannot be opened: it is no DuckDB 2 file, or unreadable. Where it is damaged, move "
            "it away and fill a new one from the lake with `trunkline warehouse rebuild`"
        ) from error

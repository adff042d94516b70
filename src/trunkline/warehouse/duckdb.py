"""The embedded warehouse: one DuckDB file, written by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from trunkline.engines.model import text_literal
from trunkline.errors import TerminalError, TransientError

CATALOG = "warehouse"
"""What a connection calls the warehouse file."""
ROW_GROUP_ROWS = 16_384
"""Rows that DuckDB compresses as one. A commit writes its last group whole, over all columns (6 us a row), and at its
own size of 122,880 that is most of what a merge of some thousand rows costs."""
# DuckDB's storage format: a main header and two database headers of 4,096 bytes, the magic word after a checksum.
_HEADERS_BYTES = 3 * 4_096
_MAGIC = b"DUCK"
_MAGIC_END = 12


@contextmanager
def open_warehouse(path: Path, memory_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse file, to write it; UTC, and nothing is installed from outside.

    Raises TransientError when another process holds the file, TerminalError when it is no DuckDB file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    config = _config(memory_mb, threads) | {"temp_directory": str(path.parent / "scratch" / "spill")}
    _forget_unfinished(path)
    con = duckdb.connect(config=config)
    try:
        _set_session(con)
        with _explained(path):
            con.execute(f"ATTACH {text_literal(str(path))} AS {CATALOG} (ROW_GROUP_SIZE {ROW_GROUP_ROWS})")
        con.execute(f"USE {CATALOG}")
        yield con
    finally:
        con.close()


@contextmanager
def open_reader(path: Path, memory_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the warehouse file as catalog `warehouse` and cannot change it.

    The file is attached and not opened: a connection that is read-only as a whole may not hold views of its own.
    """
    # Beside the warehouse, not in the folder that the person happens to be in.
    config = _config(memory_mb, threads) | {"temp_directory": str(path.parent / ".spill")}
    con = duckdb.connect(config=config)
    try:
        _set_session(con)
        with _explained(path):
            con.execute(f"ATTACH {text_literal(str(path))} AS {CATALOG} (READ_ONLY)")
        yield con
    finally:
        con.close()


def _set_session(con: duckdb.DuckDBPyConnection) -> None:
    # The engine's own progress bar would go to standard output, among the data.
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")


def _config(memory_mb: int, threads: int) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": threads,
        "memory_limit": f"{memory_mb}MB",
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": False,
    }


def _forget_unfinished(path: Path) -> None:
    """Remove a file whose creation was cut short (a full disk, a kill): it holds no table, and DuckDB refuses it."""
    if not path.is_file() or path.stat().st_size >= _HEADERS_BYTES:
        return
    with path.open("rb") as file:
        start = file.read(_MAGIC_END)
    if not start or start.endswith(_MAGIC):
        path.unlink()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        if "could not write" in str(error).lower():
            raise  # no room; whoever opens the home says so
        if "lock" in str(error).lower():
            raise TransientError(
                f"the warehouse {path} is open in another process; wait for it to end or stop it, then try again"
            ) from None
        raise TerminalError(
            f"the warehouse {path} cannot be opened: it is no DuckDB 2 file, or unreadable. Where it is damaged, move "
            "it away and fill a new one from the lake with `trunkline warehouse rebuild`"
        ) from error

"""Errors of the embedded engine and of the disk, translated. None of them loses data."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.settings.installation import Settings
from trunkline.urls import path_of

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM_WORDS = ("no space left", "disk quota", "file too large", "could not write", "failed to write")


def check_paths(settings: Settings) -> None:
    """Raises UsageError for paths that the engine would take for a pattern."""
    for path in (path_of(url) for url in (settings.warehouse, settings.lake) if url.startswith(("duckdb:", "file:"))):
        if any(sign in str(path) for sign in "?*"):
            raise UsageError(
                f"{str(path)!r} has ? or * in it, which the engine takes for a pattern: rename the folder, or name "
                "another place with --home"
            )


@contextmanager
def translate_engine_errors(settings: Settings) -> Iterator[None]:
    """Turn errors of disk, memory and damaged files into ours.

    Raises TransientError where room was lacking (the same command goes on later), TerminalError for damaged files.
    """
    try:
        yield
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.OutOfMemoryException as error:
        raise TerminalError(
            f"the engine's {settings.memory_mb} MB are not enough: raise memory_mb in {settings.home}/trunkline.toml "
            f"(or TRUNKLINE_MEMORY_MB), then run the same command again ({_first_line(error)})"
        ) from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _no_room(settings, error.strerror or "no room") from error
        raise
    except duckdb.Error as error:
        text = _first_line(error)
        if any(words in str(error).lower() for words in _NO_ROOM_WORDS):
            raise _no_room(settings, text) from error
        if ".parquet" in str(error) or "parquet" in text.lower():
            raise TerminalError(
                f"a file of the lake {settings.lake} is missing or damaged: {text}. Restore it from a backup"
            ) from error
        # Other errors, about data (a conversion, a constraint), are faults of this program, and may quote a value.
        if type(error) in (duckdb.Error, duckdb.IOException, duckdb.InternalException, duckdb.SequenceException):
            raise TerminalError(f"{text}. {damaged_warehouse(settings)}") from error
        raise


def damaged_warehouse(settings: Settings) -> str:
    """What to do about a warehouse file that cannot be read."""
    if not settings.warehouse.startswith("duckdb:"):
        return (
            f"Nothing is lost; run the same command again, and trunkline doctor --home {settings.home} where it recurs"
        )
    path = path_of(settings.warehouse)
    return (
        f"If the warehouse {path} is damaged, move that file away and run: "
        f"trunkline warehouse rebuild --home {settings.home}"
    )


def _no_room(settings: Settings, text: str) -> TransientError:
    return TransientError(
        f"there is no room to write in {settings.home} or its lake ({text}); make room and run the same command "
        "again: nothing is lost, and what is done is not done again"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")

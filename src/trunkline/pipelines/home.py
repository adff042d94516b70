"""The home of an installation: its settings, its lake, its warehouse, and who owns it just now."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from trunkline.errors import TransientError
from trunkline.flatten.careful import PiiRule
from trunkline.lake.store import Store, open_store
from trunkline.ledger import index
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.pipelines.faults import check_places, explained
from trunkline.pipelines.pii_rule import check_rule, rule_of
from trunkline.settings import Settings, path_of
from trunkline.warehouse import duckdb as warehouse
from trunkline.warehouse import duckdb_merge


@dataclass(frozen=True, slots=True)
class Home:
    """An open home. `con` is the warehouse; `scratch` holds nothing that anyone would miss."""

    settings: Settings
    objects: Mapping[str, Object]
    store: Store
    con: duckdb.DuckDBPyConnection
    scratch: Path

    @property
    def rule(self) -> PiiRule:
        """What happens to personal data here."""
        return rule_of(self.settings)


@contextmanager
def open_home(settings: Settings) -> Iterator[Home]:
    """Own the home, open its warehouse, create what is missing.

    Raises TransientError when somebody else owns it, TerminalError where the lake stores personal data by another
    rule or key, or a file is damaged.
    """
    check_places(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    scratch = settings.home / "scratch"
    objects = catalogue.load(user_object_files(settings))
    with explained(settings), _owned(settings.home):
        # A killed run leaves half-written files here, and in the lake's own place for them.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        store = open_store(settings.lake)
        store.forget_unfinished()
        check_rule(settings, store, list(objects.values()))
        path = path_of(settings.warehouse)
        with warehouse.open_warehouse(path, settings.memory_mb, settings.threads) as con:
            duckdb_merge.install(con, list(objects.values()), list(catalogue.VIEWS.values()))
            index.install(con)
            yield Home(settings, objects, store, con, scratch)
        shutil.rmtree(scratch, ignore_errors=True)


def user_object_files(settings: Settings) -> list[Path]:
    """The TOML files with the user's own objects: `objects.toml` in the home."""
    path = settings.home / "objects.toml"
    return [path] if path.exists() else []


@contextmanager
def _owned(home: Path) -> Iterator[None]:
    """One process owns a home; the lock goes with the process, however it ends."""
    path = home / ".lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 64, 0).decode(errors="replace").strip() or "unknown"
            raise TransientError(
                f"{home} is in use by process {owner}; wait for it to end or stop it, then try again"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)

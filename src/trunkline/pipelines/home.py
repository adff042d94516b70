"""The home of an installation: its settings, its lake, its warehouse, and the process that owns it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from trunkline.aws.secrets import PII_KEY, WAREHOUSE_URL, resolve_secrets
from trunkline.errors import LockedError, TerminalError, UsageError
from trunkline.flatten.privacy import PiiRule
from trunkline.lake import layout
from trunkline.lake.store import Store, open_store
from trunkline.objects import catalogue
from trunkline.objects.business.salesforce import with_salesforce
from trunkline.objects.model import Object
from trunkline.pipelines.engine_errors import check_paths, translate_engine_errors
from trunkline.pipelines.home_rules import check_lake, check_rule, has_ledger, rule_of
from trunkline.settings.installation import Settings
from trunkline.urls import public_url
from trunkline.warehouse.model import Opening, Warehouse
from trunkline.warehouse.targets import target_of


@dataclass(frozen=True, slots=True)
class LakeHome:
    """A lake without a warehouse: what a Lambda function has. `scratch` is a scratch directory."""

    settings: Settings
    store: Store
    scratch: Path

    @property
    def rule(self) -> PiiRule:
        """The rule for personal data."""
        return rule_of(self.settings)


@dataclass(frozen=True, slots=True)
class LakeState:
    """The small objects of a lake in which sources store how far they are."""

    store: Store

    def get(self, kind: str, scope: str, name: str) -> bytes | None:
        """The content of an object; None where there is none."""
        return self.store.get_bytes(layout.state_key(kind, scope, name))

    def put(self, data: bytes, kind: str, scope: str, name: str, is_private: bool = False) -> None:
        """Write an object; durable when this returns."""
        self.store.put_bytes(data, layout.state_key(kind, scope, name), is_private=is_private)

    def remove(self, kind: str, scope: str, name: str) -> None:
        """Remove an object; no error where there is none."""
        self.store.remove(layout.state_key(kind, scope, name))


@dataclass(frozen=True, slots=True)
class Home:
    """An open home: its lake, and the warehouse that the lake is folded into.

    `con` is the embedded engine, which reads the lake's files: the warehouse itself only where that is DuckDB.
    `scratch` is a scratch directory.
    """

    settings: Settings
    objects: Mapping[str, Object]
    store: Store
    warehouse: Warehouse
    scratch: Path

    @property
    def lake(self) -> LakeHome:
        """The home without its warehouse."""
        return LakeHome(self.settings, self.store, self.scratch)

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The embedded engine."""
        return self.warehouse.local

    @property
    def rule(self) -> PiiRule:
        """The rule for personal data."""
        return rule_of(self.settings)


@contextmanager
def open_home(
    settings: Settings,
    is_install: bool = False,
    notify: Callable[[str], None] = lambda _: None,
    only: Mapping[str, Object] | None = None,
) -> Iterator[Home]:
    """Own the home and open its warehouse. Missing tables are created; on a server only with `is_install`.

    `notify` gets a sentence where a load has to wait for a reader. With `only`, the home has these objects instead of
    the catalogue's, and no views on them.

    Raises LockedError when another process owns it, TerminalError where the lake stores personal data by another
    rule or key, a file is damaged, a server's warehouse is not installed, or the warehouse belongs to another lake.
    """
    settings = resolve_secrets(settings, PII_KEY, WAREHOUSE_URL)
    check_paths(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    scratch = settings.home / "scratch"
    objects = only if only is not None else load_objects(settings)
    with translate_engine_errors(settings), _owned(settings.home):
        # A killed run leaves partly written files here and in the lake.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        store = open_store(settings.lake)
        store.forget_unfinished()
        check_rule(settings, store, list(objects.values()))
        target = target_of(settings.warehouse)
        with target.open_warehouse(replace(opening_of(settings, objects), notify=notify)) as warehouse:
            if target.is_embedded:
                views = catalogue.warehouse_views(settings.contact_link) if only is None else ()
                wanted = list(objects.values()), views, settings.zone
                if warehouse.missing(*wanted):
                    warehouse.install(*wanted)
            elif not is_install:
                _check_installed(settings, warehouse, objects)
            if not is_install or has_ledger(warehouse):
                check_lake(settings, store, warehouse)
            yield Home(settings, objects, store, warehouse, scratch)
        shutil.rmtree(scratch, ignore_errors=True)


def opening_of(settings: Settings, objects: Mapping[str, Object]) -> Opening:
    """The parameters to open the home's warehouse with."""
    scratch = settings.home / "scratch"
    schemas = catalogue.schemas(objects.values())
    return Opening(settings.warehouse, settings.memory_mb, settings.threads, scratch, settings.home, schemas)


def _check_installed(settings: Settings, warehouse: Warehouse, objects: Mapping[str, Object]) -> None:
    missing = warehouse.missing(list(objects.values()))
    if missing:
        raise TerminalError(
            f"the warehouse {public_url(settings.warehouse)} has no tables for {', '.join(missing)}, or those of "
            f"another catalogue; run: trunkline warehouse install --home {settings.home}"
        )


def load_objects(settings: Settings) -> dict[str, Object]:
    """The built-in objects and the home's own, with the origins that the settings give. Raises UsageError."""
    objects = catalogue.load(user_object_files(settings))
    return with_salesforce(objects, settings.salesforce_instance, settings.salesforce_credentials)


def user_object_files(settings: Settings) -> list[Path]:
    """The TOML files with the user's own objects: `objects.toml` in their folder, and those in its folder `objects`.

    Raises UsageError where the setting `objects_folder` names a folder that does not exist.
    """
    folder = settings.own_objects
    if settings.objects_folder and not folder.is_dir():
        raise UsageError(
            f"the setting objects_folder names {folder}, which is not a folder; name the folder that has objects.toml "
            "or the folder objects, or leave the setting out"
        )
    return own_object_files(folder)


def own_object_files(folder: Path) -> list[Path]:
    """`objects.toml` of a folder where it has one, and the TOML files of its folder `objects`."""
    path = folder / "objects.toml"
    return [*([path] if path.exists() else []), *sorted((folder / "objects").glob("*.toml"))]


@contextmanager
def _owned(home: Path) -> Iterator[None]:
    """One process owns a home. The lock ends with the process, however it ends."""
    path = home / ".lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 64, 0).decode(errors="replace").strip() or "unknown"
            raise LockedError(str(home), f"process {owner}") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)

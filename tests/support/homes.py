"""Homes for tests: opened with few words, loaded, and looked at as plain Python values."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import duckdb

from trunkline.accounting import Counts
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.flatten.exact import canonical, parse_exact
from trunkline.lake import layout
from trunkline.lake.store import FolderStore
from trunkline.ledger import index
from trunkline.objects import catalogue
from trunkline.objects.model import RECORD_COLUMNS, Column, Field, Json, ListOf, MapOf, Object, Struct
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.runner import LoadResult
from trunkline.settings.installation import Settings
from trunkline.sql.lake.views import best_body, lake_rows, versions_body
from trunkline.warehouse.duckdb.warehouse import open_warehouse
from trunkline.warehouse.model import Opening

PER_DELIVERY = frozenset({"record_position", "record_arrived_at", "record_loaded_at"})
"""Columns that differ between two deliveries of one version."""

Row = dict[str, Any]
Record = dict[str, Any]


class Places(Protocol):
    """Where homes have their warehouses."""

    def new(self) -> str:
        """The URL of an empty warehouse; an empty text is the file in the home."""

    def release(self, url: str) -> None:
        """Take a warehouse back."""


_places: list[tuple[Places, dict[Path, str]]] = []


@contextmanager
def placed(places: Places) -> Iterator[None]:
    """Each home opened meanwhile has a warehouse of `places`, the same for the same path."""
    _places.append((places, {}))
    try:
        yield
        for path in list(_places[-1][1]):
            release(path)
    finally:
        _places.pop()


def place_of(path: Path) -> str:
    """The URL of the warehouse of a home; empty: in the home."""
    if not _places:
        return ""
    places, held = _places[-1]
    if path not in held:
        held[path] = places.new()
    return held[path]


def release(path: Path) -> None:
    """Give back the warehouse of a home that is not opened again."""
    if _places and path in _places[-1][1]:
        _places[-1][0].release(_places[-1][1].pop(path))


def settings_of(path: Path, **options: object) -> Settings:
    """Settings of a home, by the names that the settings file has."""
    given = {"threads": 1, "pii_key": "a key for tests", "warehouse": place_of(path)} | options
    return Settings.load(path, {f"TRUNKLINE_{name.upper()}": str(value) for name, value in given.items()})


@contextmanager
def opened(path: Path, *objects: Object, **options: object) -> Iterator[Home]:
    """An open home: of the catalogue's objects, or where objects are named of these alone.

    To install the contact record's columns takes longer than what most tests of a narrow object do.
    """
    settings = settings_of(path, **options)
    if not objects:
        put_installed(settings)
    with ExitStack() as stack:
        with _catalogue_of(objects):
            home = stack.enter_context(open_home(settings, is_install=True))
        yield home


def put_installed(settings: Settings) -> None:
    """Copy an empty warehouse, as opening makes one, to where a new home's file belongs. Others are left alone."""
    path = settings.home / "warehouse.duckdb"
    if settings.warehouse == f"duckdb://{quote(str(path))}" and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_installed_warehouse(settings.zone))


@cache
def _installed_warehouse(zone: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        opening = Opening(f"duckdb://{quote(str(path / 'warehouse.duckdb'))}", 400, 1, path / "scratch", path, ())
        with open_warehouse(opening) as warehouse:
            warehouse.install(list(catalogue.OBJECTS.values()), catalogue.warehouse_views(), zone)
        return (path / "warehouse.duckdb").read_bytes()


@contextmanager
def _catalogue_of(objects: Sequence[Object]) -> Iterator[None]:
    before: Any = catalogue.load, catalogue.VIEWS
    if objects:
        catalogue.load, catalogue.VIEWS = lambda _=(): {obj.name: obj for obj in objects}, {}
    try:
        yield
    finally:
        catalogue.load, catalogue.VIEWS = before


def contacts(home: Home) -> Object:
    """The contact record's catalogue entry."""
    return home.objects["contact_record"]


def load_into(home: Home, *paths: Path, obj: Object | None = None) -> LoadResult:
    """Load paths, the contact record by default, and check that what the load says adds up."""
    result = load(home, obj or contacts(home), [str(path) for path in paths])
    assert_adds_up(result.counts)
    return result


def assert_adds_up(counts: Counts) -> None:
    """The accounting line is an equation, and nothing in it is negative."""
    assert all(value >= 0 for value in asdict(counts).values()), counts
    assert counts.is_balanced, counts
    assert counts.read == (
        counts.filtered + counts.dead_letter + counts.inserted + counts.updated + counts.deleted
        + counts.superseded + counts.duplicate + counts.rejected
    )  # fmt: skip


def rows_of(
    con: duckdb.DuckDBPyConnection, source: str, obj: Object, without: frozenset[str] = PER_DELIVERY
) -> list[Row]:
    """All rows of a relation as dictionaries, sorted by key, version and hash; without what differs by delivery."""
    names = [column.name for column in obj.columns if column.name not in without]
    listed = ", ".join(DUCKDB.quote(name) for name in names)
    order = ", ".join(f"{DUCKDB.quote(name)} NULLS FIRST" for name in (*obj.key, "record_version", "record_hash"))
    found = con.execute(f"SELECT {listed} FROM {source} ORDER BY {order}").fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]


def table(home: Home, obj: Object | None = None) -> list[Row]:
    """The warehouse table."""
    obj = obj or contacts(home)
    if home.warehouse.engine.name == "duckdb":
        return rows_of(home.con, quote_qualified(DUCKDB, obj.warehouse_table), obj)
    return _server_rows(home, obj)


def _server_rows(home: Home, obj: Object) -> list[Row]:
    """The table of a server, JSON as the canonical text that the lake has."""
    engine = home.warehouse.engine
    columns = [column for column in obj.columns if column.name not in PER_DELIVERY]
    text = "JSON_SERIALIZE({})" if engine.name == "redshift" else "CAST({} AS text)"
    listed = ", ".join(
        text.format(engine.quote(c.name)) if isinstance(c.type, Json) else engine.quote(c.name) for c in columns
    )
    found = []
    for values in home.warehouse.query(f"SELECT {listed} FROM {quote_qualified(engine, obj.warehouse_table)}"):
        row = {column.name: value for column, value in zip(columns, values, strict=True)}
        for column in columns:
            if isinstance(column.type, Json) and row[column.name] is not None:
                row[column.name] = canonical(parse_exact(row[column.name]))
        found.append(row)
    return sorted(found, key=lambda row: tuple(row[key] for key in obj.key))


def lake_files(home: Home, obj: Object | None = None) -> list[str]:
    """Keys of all Parquet files of an object."""
    prefix = layout.table_prefix(obj or contacts(home))
    return [key for key in home.store.list(prefix) if key.endswith(".parquet")]


def lake_source(home: Home, obj: Object | None = None) -> str:
    """A FROM item over all lake files of an object, with partition keys as text."""
    assert isinstance(home.store, FolderStore)
    root = str(home.store.root / layout.table_prefix(obj or contacts(home)))
    types = "{'year': VARCHAR, 'month': VARCHAR, 'day': VARCHAR}"
    files = (
        f"read_parquet('{root}/*/*/*/*.parquet', union_by_name = true, hive_partitioning = true, hive_types = {types})"
    )
    return lake_rows(obj or contacts(home), files, [(key, "VARCHAR") for key in ("year", "month", "day")])


def lake_best(home: Home, obj: Object | None = None) -> list[Row]:
    """The lake's best rows, as its view gives them."""
    obj = obj or contacts(home)
    if not lake_files(home, obj):
        return []
    return rows_of(home.con, f"({best_body(obj, DUCKDB, lake_source(home, obj))})", obj)


def lake_versions(home: Home, obj: Object | None = None) -> list[Row]:
    """The lake's distinct versions, as its view gives them."""
    obj = obj or contacts(home)
    if not lake_files(home, obj):
        return []
    return rows_of(home.con, f"({versions_body(obj, DUCKDB, lake_source(home, obj))})", obj)


def totals(home: Home, obj: Object | None = None) -> Counts:
    """The ledger's totals."""
    return index.totals(home.warehouse, (obj or contacts(home)).name)


def letters(home: Home, obj: Object | None = None, is_open: bool = True) -> list[index.SetAside]:
    """What is set aside."""
    return index.dead_letters(home.warehouse, (obj or contacts(home)).name, is_open)


def jsonl(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Records back to back without newline, as Firehose writes them."""
    return "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records).encode()


def write(path: Path, *records: Mapping[str, Any]) -> Path:
    """A file of records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jsonl(records))
    return path


_BASE: Record = {
    "AWSAccountId": "111122223333",
    "Agent": {
        "ARN": "arn:aws:connect:us-east-1:111122223333:instance/i-1/agent/a-1", "AgentInteractionDuration": 134,
        "ConnectedToAgentTimestamp": "2026-03-03T10:00:30Z", "NumberOfHolds": 2, "CustomerHoldDuration": 99,
        "HierarchyGroups": {"Level1": {"ARN": "arn:x/agent-group/g-1", "GroupName": "Américas"}, "Level2": None},
        "RoutingProfile": {"ARN": "arn:x/routing-profile/r-1", "Name": "Support"}, "Username": "ann",
        "StateTransitions": [{"state": "BARGED", "stateStartTimestamp": "2026-03-03T10:01:00Z"}],
    },
    "Attributes": {"Tier": "gold", "Callback": "+15535550143", "Note": "own number 15535550143 inside"},
    "Channel": "VOICE",
    "ContactDetails": {},
    "CustomerEndpoint": {"Address": "+15535550143", "Type": "TELEPHONE_NUMBER"},
    "DisconnectTimestamp": "2026-03-03T10:05:00Z",
    "InitiationMethod": "INBOUND",
    "InitiationTimestamp": "2026-03-03T10:00:00Z",
    "InstanceARN": "arn:aws:connect:us-east-1:111122223333:instance/i-1",
    "LastUpdateTimestamp": "2026-03-03T10:06:00Z",
    "MediaStreams": [{"Type": "AUDIO"}],
    "QualityMetrics": {"Agent": {"Audio": {"PotentialQualityIssues": [], "QualityScore": 4.43}}, "Customer": None},
    "Queue": {"ARN": "arn:x/queue/q-1", "Duration": 5, "EnqueueTimestamp": "2026-03-03T10:00:01Z", "Name": "Support"},
    "References": [{"Name": "n", "Type": "URL", "Value": "mail me at ann@example.com", "Status": None, "Arn": None}],
    "RoutingCriteria": [{
        "ActivationTimestamp": "2026-03-03T10:00:01Z", "Index": 0,
        "Steps": [{"Status": "ACTIVE", "Expiry": {"DurationInSeconds": 30},
                   "Expression": {"AttributeCondition": {"Name": "Lang", "ProficiencyLevel": 4.0}}}],
    }],
    "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
    "SystemEndpoint": {"Address": "+18005550101", "Type": "TELEPHONE_NUMBER"},
    "Tags": {"aws:connect:systemEndpoint": "+18005550101"},
}  # fmt: skip


def contact(contact_id: str, **changes: Any) -> Record:
    """A contact record with a value of every kind; top-level keys may be changed, `...` takes one out."""
    record = {"ContactId": contact_id, **copy.deepcopy(_BASE), **changes}
    return {key: value for key, value in record.items() if value is not ...}


def _column(name: str, type_: Any, key: str, **more: Any) -> Column:
    return Column(name, type_, tuple(key.split(".")), f"{name}.", source="test", is_amazon=False, **more)


NARROW = Object(
    name="narrow",
    database="test",
    warehouse_table="connect.f_narrow",
    grain="One row per id.",
    key=("id",),
    version="changed_at",
    event_time="began_at",
    partition="began_at",
    delete_rule="Never.",
    columns=(
        _column("id", "text", "ContactId", nullable=False),
        _column("began_at", "timestamp", "Began"),
        _column("changed_at", "timestamp", "Changed"),
        _column("score", "bigint", "Score"),
        _column("phone", "text", "Phone", pii="direct"),
        _column("labels", MapOf("text"), "Labels", pii="indirect"),
        _column("marks", MapOf("text"), "Marks", pii="indirect", transform="union_to_text"),
        _column("items", ListOf(Struct((Field("n", "N", "integer"),))), "Items"),
        _column("anything", Json(), "Anything"),
        *RECORD_COLUMNS,
    ),
    anchor="ContactId",
    redaction=("marks", "Redacted"),
)  # fmt: skip
"""An object with few columns and a rule of every kind: what takes a second with 153 columns takes milliseconds here."""
SCHEMAS = catalogue.schemas([*catalogue.OBJECTS.values(), NARROW])
"""The schemas of the catalogue, and of the narrow object."""


def narrow(id_: str, **changes: Any) -> Record:
    """A record of the narrow object; `...` takes a key out."""
    base = {
        "ContactId": id_, "Began": "2026-03-03T10:00:00Z", "Changed": "2026-03-03T11:00:00Z", "Score": 1,
        "Phone": "+15535550143", "Labels": {"b": "x", "a": "+15535550199"}, "Marks": {"m": {"ValueString": "v"}},
        "Items": [{"N": 1}], "Anything": {"z": 1, "a": [1.50, None]},
    }  # fmt: skip
    return {key: value for key, value in {**base, **changes}.items() if value is not ...}

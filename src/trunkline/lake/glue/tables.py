"""Tables of the lake in Glue's Data Catalog, and named queries in Athena: create what is missing, widen, never narrow.

Tables: everything is checked before anything is changed, so that a refusal leaves the catalogue as it was. Parameters
and columns that others added stay. Columns are widened, and a narrower type is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, TransientError
from trunkline.limits import ATHENA_NAMED_QUERIES_PER_CALL_MAX, GLUE_PARTITIONS_PER_CALL_MAX
from trunkline.sql.lake.athena import NamedQuery
from trunkline.sql.lake.glue import CatalogueTable, is_same, is_widening

Action = Literal["created", "updated", "unchanged"]
Existing = Mapping[str, Any]
_OWN_STORAGE = ("Location", "InputFormat", "OutputFormat", "SerdeInfo")


@dataclass(frozen=True, slots=True)
class CatalogueChange:
    """What was done to one entry of the catalogue; `detail` says what is new in it."""

    name: str
    action: Action
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    table: CatalogueTable
    change: CatalogueChange
    definition: Mapping[str, Any]
    version: str = ""


def register(client: Any, tables: Sequence[CatalogueTable]) -> list[CatalogueChange]:
    """Create or update databases and tables. Idempotent. `client` is boto3's of `glue`.

    Raises TerminalError naming every conflicting table and column before anything is changed, and where AWS refuses;
    TransientError where a retry may help.
    """
    databases = list(dict.fromkeys(table.database for table in tables))
    missing = [name for name in databases if _database(client, name) is None]
    steps, refusals = [], []
    for table in tables:
        step, conflicts = _step(table, None if table.database in missing else _table(client, table))
        steps.append(step)
        refusals += conflicts
    if refusals:
        raise TerminalError("nothing was registered:\n" + "\n".join(refusals))
    done = []
    for name in databases:
        if name in missing:
            with translate_errors("glue", f"the Glue database {name}"):
                client.create_database(DatabaseInput={"Name": name, "Description": "Tables of a Trunkline lake."})
        done.append(CatalogueChange(name, "created" if name in missing else "unchanged"))
    for step in steps:
        _apply(client, step)
        done.append(step.change)
    return done


def register_partitions(client: Any, table: CatalogueTable, days: Iterable[tuple[str, str, str]]) -> int:
    """Add partitions (year, month, day) to a table without projection; returns how many are new.

    Raises TransientError where Glue refuses a partition or a retry may help, TerminalError where AWS refuses.
    """
    storage: Mapping[str, Any] = table.input["StorageDescriptor"]
    where = {"DatabaseName": table.database, "TableName": table.name}
    with translate_errors("glue", f"the Glue table {table.full_name}"):
        pages = client.get_paginator("get_partitions").paginate(**where, ExcludeColumnSchema=True)
        existing = {tuple(partition["Values"]) for page in pages for partition in page["Partitions"]}
    missing = [day for day in days if day not in existing]
    for start in range(0, len(missing), GLUE_PARTITIONS_PER_CALL_MAX):
        partitions = [
            {"Values": list(day), "StorageDescriptor": {**storage, "Location": _folder(str(storage["Location"]), day)}}
            for day in missing[start : start + GLUE_PARTITIONS_PER_CALL_MAX]
        ]
        with translate_errors("glue", f"the Glue table {table.full_name}"):
            errors = client.batch_create_partition(**where, PartitionInputList=partitions).get("Errors", [])
        failed = [error for error in errors if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"]
        if failed:
            raise TransientError(
                f"Glue refused partition {'-'.join(failed[0]['PartitionValues'])} of {table.full_name}: "
                f"{failed[0]['ErrorDetail'].get('ErrorMessage', '')}; run the same command again"
            )
    return len(missing)


def _folder(location: str, day: tuple[str, str, str]) -> str:
    return f"{location}year={day[0]}/month={day[1]}/day={day[2]}/"


def _database(client: Any, name: str) -> Existing | None:
    with translate_errors("glue", f"the Glue database {name}"):
        try:
            database: Existing = client.get_database(Name=name)["Database"]
        except client.exceptions.EntityNotFoundException:
            return None
        return database


def _table(client: Any, table: CatalogueTable) -> Existing | None:
    with translate_errors("glue", f"the Glue table {table.full_name}"):
        try:
            existing: Existing = client.get_table(DatabaseName=table.database, Name=table.name)["Table"]
        except client.exceptions.EntityNotFoundException:
            return None
        return existing


def _step(table: CatalogueTable, existing: Existing | None) -> tuple[_Step, list[str]]:
    """What to do about one table, and the conflicts that prevent it."""
    if existing is None:
        return _Step(table, CatalogueChange(table.full_name, "created"), table.input), []
    conflicts = _conflicts(table, existing)
    columns, notes, narrowing = ([], [], []) if table.is_view or conflicts else _merged_columns(table, existing)
    definition = dict(table.input)
    if columns:
        definition["StorageDescriptor"] = {**table.input["StorageDescriptor"], "Columns": columns}
    definition["Parameters"] = {**_foreign_parameters(existing.get("Parameters", {})), **table.input["Parameters"]}
    is_unchanged = not conflicts and _is_same(definition, existing)
    detail = ", ".join(notes) if notes else ("definition" if not is_unchanged else "")
    change = CatalogueChange(table.full_name, "unchanged" if is_unchanged else "updated", detail)
    return _Step(table, change, definition, str(existing.get("VersionId", ""))), conflicts + narrowing


def _foreign_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    # Projection is ours alone: a table that no longer has it must not keep part of it.
    return {
        name: value
        for name, value in parameters.items()
        if not name.startswith("projection.") and name != "storage.location.template"
    }


def _conflicts(table: CatalogueTable, existing: Existing) -> list[str]:
    again = "drop it (`DROP TABLE` keeps the files), then register again"
    kind, our_kind = existing.get("TableType", "a table without a type"), table.input["TableType"]
    if kind != our_kind:
        reason = f"exists as {kind} and must be {our_kind}; another program, such as a crawler, created it. Rename or"
        return [f"{table.full_name} {reason} {again}"]
    if table.is_view:
        return []
    ours, theirs = (entry["StorageDescriptor"]["Location"] for entry in (table.input, existing))
    if ours.rstrip("/") != theirs.rstrip("/"):
        reason = f"is registered for {theirs}, and this lake has it at {ours}. Where the lake has moved,"
        return [f"{table.full_name} {reason} {again}; else register this one in another account or Region"]
    keys, wanted = ([key["Name"] for key in entry.get("PartitionKeys", [])] for entry in (existing, table.input))
    if keys != wanted:
        reason = f"is partitioned by {', '.join(keys) or 'nothing'} and must be by {', '.join(wanted)};"
        return [f"{table.full_name} {reason} {again}"]
    return []


def _merged_columns(table: CatalogueTable, existing: Existing) -> tuple[list[Any], list[str], list[str]]:
    """The columns of both, notes on what is new, and columns that would be narrowed."""
    ours: list[Any] = table.input["StorageDescriptor"]["Columns"]
    theirs = {column["Name"]: column for column in existing["StorageDescriptor"]["Columns"]}
    keys = {key["Name"] for key in existing.get("PartitionKeys", [])}
    notes, conflicts = [], []
    for column in ours:
        before = theirs.get(column["Name"])
        if before is None:
            notes.append(f"new column {column['Name']}")
        elif is_widening(before["Type"], column["Type"]):
            notes.append(f"{column['Name']} widened from {before['Type']} to {column['Type']}")
        elif not is_same(before["Type"], column["Type"]):
            conflicts.append(
                f"{table.full_name}: column {column['Name']} is {before['Type']} in Glue and {column['Type']} in this "
                f"catalogue, which does not hold every value of {before['Type']}: files that are there would no longer "
                "be read. Declare a type that holds both, or a column of another name; if no file has such values, "
                "drop the table (files stay) and register again"
            )
    names = {column["Name"] for column in ours} | keys
    foreign = [column for name, column in theirs.items() if name not in names]
    return [*ours, *foreign], notes, conflicts


def _is_same(definition: Mapping[str, Any], existing: Existing) -> bool:
    """Whether an update would change nothing that the definition states."""
    storage, existing_storage = definition["StorageDescriptor"], existing.get("StorageDescriptor", {})
    return (
        all(definition.get(name) == existing.get(name) for name in ("Description", "ViewOriginalText", "PartitionKeys"))
        and definition["Parameters"] == existing.get("Parameters", {})
        and storage["Columns"] == existing_storage.get("Columns", [])
        and all((storage.get(name) or None) == (existing_storage.get(name) or None) for name in _OWN_STORAGE)
    )


def _apply(client: Any, step: _Step) -> None:
    request = {"DatabaseName": step.table.database, "TableInput": step.definition}
    with translate_errors("glue", f"the Glue table {step.table.full_name}"):
        if step.change.action == "created":
            client.create_table(**request)
        elif step.change.action == "updated":
            # With the version, Glue refuses where another program has changed the table meanwhile.
            client.update_table(**request, **({"VersionId": step.version} if step.version else {}))


def register_queries(client: Any, queries: Sequence[NamedQuery], workgroup: str) -> list[CatalogueChange]:
    """Create or update named queries of a workgroup, identified by database and name. Idempotent.

    `client` is boto3's of `athena`. Raises TransientError where a retry may help, TerminalError where AWS refuses.
    """
    with translate_errors("athena", f"the Athena workgroup {workgroup}"):
        existing = _existing(client, workgroup)
        return [_register(client, query, workgroup, existing.get((query.database, query.name))) for query in queries]


def _register(client: Any, query: NamedQuery, workgroup: str, existing: dict[str, Any] | None) -> CatalogueChange:
    name = f"query {query.name}"
    definition = {"Name": query.name, "Description": query.about, "QueryString": query.sql}
    if existing is None:
        client.create_named_query(**definition, Database=query.database, WorkGroup=workgroup)
        return CatalogueChange(name, "created")
    if (existing["QueryString"], existing.get("Description")) == (query.sql, query.about):
        return CatalogueChange(name, "unchanged")
    client.update_named_query(NamedQueryId=existing["NamedQueryId"], **definition)
    return CatalogueChange(name, "updated")


def _existing(client: Any, workgroup: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The workgroup's named queries by database and name."""
    pages = client.get_paginator("list_named_queries").paginate(WorkGroup=workgroup)
    ids = [query_id for page in pages for query_id in page["NamedQueryIds"]]
    queries = {}
    for start in range(0, len(ids), ATHENA_NAMED_QUERIES_PER_CALL_MAX):
        chunk = ids[start : start + ATHENA_NAMED_QUERIES_PER_CALL_MAX]
        for query in client.batch_get_named_query(NamedQueryIds=chunk)["NamedQueries"]:
            queries[query["Database"], query["Name"]] = query
    return queries

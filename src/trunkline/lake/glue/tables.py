"""Glue's Data Catalog made to agree with ours: create what is missing, widen what is narrower, refuse
what would narrow.

Everything is looked at before anything is changed, so that a refusal leaves the catalogue as it was. What somebody else
added (parameters, columns that we do not know) stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trunkline.errors import TerminalError, TransientError
from trunkline.limits import GLUE_PARTITIONS_PER_CALL_MAX
from trunkline.sql.lake.glue import CatalogueTable
from trunkline.sql.lake.hive_types import is_same, is_widening

if TYPE_CHECKING:
    from botocore.client import BaseClient

Found = Mapping[str, Any]
_OWN_STORAGE = ("Location", "InputFormat", "OutputFormat", "SerdeInfo")


@dataclass(frozen=True, slots=True)
class CatalogueChange:
    """What becomes of one entry of the catalogue, and in words what is new about it."""

    name: str
    action: Literal["created", "updated", "unchanged"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    table: CatalogueTable
    change: CatalogueChange
    given: Mapping[str, Any]
    version: str = ""


def register(client: BaseClient, tables: Sequence[CatalogueTable]) -> list[CatalogueChange]:
    """Create or update databases and tables. Again, it changes nothing.

    Raises TerminalError naming every table and column that stands in the way, before anything is changed.
    """
    databases = list(dict.fromkeys(table.database for table in tables))
    missing = [name for name in databases if _database(client, name) is None]
    steps, refusals = [], []
    for table in tables:
        held = None if table.database in missing else _table(client, table)
        step, refused = _step(table, held)
        steps.append(step)
        refusals += refused
    if refusals:
        raise TerminalError("nothing was registered:\n" + "\n".join(refusals))
    done = []
    for name in databases:
        if name in missing:
            client.create_database(DatabaseInput={"Name": name, "Description": "Tables of a Trunkline lake."})
        done.append(CatalogueChange(name, "created" if name in missing else "unchanged"))
    for step in steps:
        _apply(client, step)
        done.append(step.change)
    return done


def register_partitions(client: BaseClient, table: CatalogueTable, days: Iterable[tuple[str, str, str]]) -> int:
    """Name partitions (year, month, day) of a table without projection; returns how many were not there."""
    storage: Mapping[str, Any] = table.input["StorageDescriptor"]
    where = {"DatabaseName": table.database, "TableName": table.name}
    pages = client.get_paginator("get_partitions").paginate(**where, ExcludeColumnSchema=True)
    held = {tuple(one["Values"]) for page in pages for one in page["Partitions"]}
    wanted = [day for day in days if day not in held]
    for start in range(0, len(wanted), GLUE_PARTITIONS_PER_CALL_MAX):
        given = [
            {"Values": list(day), "StorageDescriptor": {**storage, "Location": _folder(str(storage["Location"]), day)}}
            for day in wanted[start : start + GLUE_PARTITIONS_PER_CALL_MAX]
        ]
        errors = client.batch_create_partition(**where, PartitionInputList=given).get("Errors", [])
        failed = [one for one in errors if one["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"]
        if failed:
            raise TransientError(
                f"Glue refused partition {'-'.join(failed[0]['PartitionValues'])} of {table.full_name}: "
                f"{failed[0]['ErrorDetail'].get('ErrorMessage', '')}; run the same command again"
            )
    return len(wanted)


def _folder(location: str, day: tuple[str, str, str]) -> str:
    return f"{location}year={day[0]}/month={day[1]}/day={day[2]}/"


def _database(client: BaseClient, name: str) -> Found | None:
    try:
        found: Found = client.get_database(Name=name)["Database"]
    except client.exceptions.EntityNotFoundException:
        return None
    return found


def _table(client: BaseClient, table: CatalogueTable) -> Found | None:
    try:
        found: Found = client.get_table(DatabaseName=table.database, Name=table.name)["Table"]
    except client.exceptions.EntityNotFoundException:
        return None
    return found


def _step(table: CatalogueTable, held: Found | None) -> tuple[_Step, list[str]]:
    """What to do about one table, and why it cannot be done."""
    if held is None:
        return _Step(table, CatalogueChange(table.full_name, "created"), table.input), []
    refused = _in_the_way(table, held)
    columns, notes, narrowed = ([], [], []) if table.is_view or refused else _merged(table, held)
    given = dict(table.input)
    if columns:
        given["StorageDescriptor"] = {**table.input["StorageDescriptor"], "Columns": columns}
    given["Parameters"] = {**_others(held.get("Parameters", {})), **table.input["Parameters"]}
    is_same_now = not refused and _is_same(given, held)
    detail = ", ".join(notes) if notes else ("definition" if not is_same_now else "")
    change = CatalogueChange(table.full_name, "unchanged" if is_same_now else "updated", detail)
    return _Step(table, change, given, str(held.get("VersionId", ""))), refused + narrowed


def _others(parameters: Mapping[str, str]) -> dict[str, str]:
    # Projection is ours alone: a table that has it no longer must not keep a part of it.
    return {
        name: value
        for name, value in parameters.items()
        if not name.startswith("projection.") and name != "storage.location.template"
    }


def _in_the_way(table: CatalogueTable, held: Found) -> list[str]:
    again = "drop it (`DROP TABLE`, files stay), then register again"
    kind, wanted_kind = held.get("TableType", "a table without type"), table.input["TableType"]
    if kind != wanted_kind:
        reason = f"is there as {kind} and must be {wanted_kind}; somebody else, such as a crawler, made it. Rename or"
        return [f"{table.full_name} {reason} {again}"]
    if table.is_view:
        return []
    ours, theirs = (one["StorageDescriptor"]["Location"] for one in (table.input, held))
    if ours.rstrip("/") != theirs.rstrip("/"):
        reason = f"is registered for {theirs}, and this lake has it at {ours}. Where the lake has moved,"
        return [f"{table.full_name} {reason} {again}; else register this one in another account or Region"]
    keys, wanted = ([column["Name"] for column in one.get("PartitionKeys", [])] for one in (held, table.input))
    if keys != wanted:
        reason = f"is partitioned by {', '.join(keys) or 'nothing'} and must be by {', '.join(wanted)};"
        return [f"{table.full_name} {reason} {again}"]
    return []


def _merged(table: CatalogueTable, held: Found) -> tuple[list[Any], list[str], list[str]]:
    """The columns of both, what is new, and what would narrow."""
    ours: list[Any] = table.input["StorageDescriptor"]["Columns"]
    theirs = {one["Name"]: one for one in held["StorageDescriptor"]["Columns"]}
    keys = {one["Name"] for one in held.get("PartitionKeys", [])}
    notes, refused = [], []
    for column in ours:
        before = theirs.get(column["Name"])
        if before is None:
            notes.append(f"new column {column['Name']}")
        elif is_widening(before["Type"], column["Type"]):
            notes.append(f"{column['Name']} widened from {before['Type']} to {column['Type']}")
        elif not is_same(before["Type"], column["Type"]):
            refused.append(
                f"{table.full_name}: column {column['Name']} is {before['Type']} in Glue and {column['Type']} in this "
                f"catalogue, which does not hold every value of {before['Type']}: files that are there would no longer "
                "be read. Declare a type that holds both, or a column of another name; if no file has such values, "
                "drop the table (files stay) and register again"
            )
    names = {column["Name"] for column in ours} | keys
    kept = [one for name, one in theirs.items() if name not in names]
    return [*ours, *kept], notes, refused


def _is_same(given: Mapping[str, Any], held: Found) -> bool:
    """Whether an update would change nothing that we say."""
    storage, held_storage = given["StorageDescriptor"], held.get("StorageDescriptor", {})
    return (
        all(given.get(name) == held.get(name) for name in ("Description", "ViewOriginalText", "PartitionKeys"))
        and given["Parameters"] == held.get("Parameters", {})
        and storage["Columns"] == held_storage.get("Columns", [])
        and all((storage.get(name) or None) == (held_storage.get(name) or None) for name in _OWN_STORAGE)
    )


def _apply(client: BaseClient, step: _Step) -> None:
    where = {"DatabaseName": step.table.database, "TableInput": step.given}
    if step.change.action == "created":
        client.create_table(**where)
    elif step.change.action == "updated":
        # Glue refuses where somebody changed the table since it was looked at.
        client.update_table(**where, **({"VersionId": step.version} if step.version else {}))

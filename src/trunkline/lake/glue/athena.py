"""Named queries stored in Athena, where everybody who opens its console finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline.aws.errors import translate_errors
from trunkline.lake.glue.tables import CatalogueChange
from trunkline.limits import ATHENA_NAMED_QUERIES_PER_CALL_MAX
from trunkline.sql.lake.athena import NamedQuery


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

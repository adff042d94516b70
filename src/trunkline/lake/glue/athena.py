"""Named queries kept in Athena, so that they stand in its console for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trunkline.lake.glue.tables import CatalogueChange
from trunkline.limits import ATHENA_NAMED_QUERIES_PER_CALL_MAX
from trunkline.sql.lake.athena import NamedQuery

if TYPE_CHECKING:
    from botocore.client import BaseClient


def keep(client: BaseClient, queries: Sequence[NamedQuery], workgroup: str) -> list[CatalogueChange]:
    """Create or update named queries of a workgroup, known again by database and name. Again, it changes nothing."""
    held = _held(client, workgroup)
    done = []
    for query in queries:
        name = f"query {query.name}"
        there = held.get((query.database, query.name))
        about = {"Name": query.name, "Description": query.about, "QueryString": query.sql}
        if there is None:
            client.create_named_query(**about, Database=query.database, WorkGroup=workgroup)
            done.append(CatalogueChange(name, "created"))
        elif (there["QueryString"], there.get("Description")) == (query.sql, query.about):
            done.append(CatalogueChange(name, "unchanged"))
        else:
            client.update_named_query(NamedQueryId=there["NamedQueryId"], **about)
            done.append(CatalogueChange(name, "updated"))
    return done


def _held(client: BaseClient, workgroup: str) -> dict[tuple[str, str], dict[str, Any]]:
    pages = client.get_paginator("list_named_queries").paginate(WorkGroup=workgroup)
    ids = [one for page in pages for one in page["NamedQueryIds"]]
    found = {}
    for start in range(0, len(ids), ATHENA_NAMED_QUERIES_PER_CALL_MAX):
        some = ids[start : start + ATHENA_NAMED_QUERIES_PER_CALL_MAX]
        for query in client.batch_get_named_query(NamedQueryIds=some)["NamedQueries"]:
            found[query["Database"], query["Name"]] = query
    return found

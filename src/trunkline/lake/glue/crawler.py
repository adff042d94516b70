"""The Glue crawler that the post-call analytics application names, for those who want one. Projection needs none.

It crawls the table that is registered, not the folder: over a folder it would make a second table beside ours, and
would take the keys in the path for columns once more. Hourly, new columns are merged, partitions inherit the table's
description. A crawler costs at least ten minutes of a DPU each run (AWS Glue pricing).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from trunkline.lake.glue.tables import CatalogueChange
from trunkline.sql.lake.glue import CatalogueTable

if TYPE_CHECKING:
    from botocore.client import BaseClient

SCHEDULE: Final = "cron(0 * * * ? *)"
CONFIGURATION: Final = json.dumps(
    {
        "Version": 1.0,
        "CrawlerOutput": {
            "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
            "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
        },
    }
)


def crawler_name(database: str, table: str) -> str:
    """`post-call-analytics-calls-crawler` for `post_call_analytics` and `calls`."""
    return f"{database}-{table}-crawler".replace("_", "-")


def crawler_input(table: CatalogueTable, public_name: str, role: str) -> dict[str, Any]:
    """Glue's CreateCrawler request of one table over files."""
    return {
        "Name": crawler_name(table.database, public_name),
        "Role": role,
        "DatabaseName": table.database,
        "Targets": {"CatalogTargets": [{"DatabaseName": table.database, "Tables": [table.name]}]},
        "Schedule": SCHEDULE,
        # What a crawler of catalogue tables needs: it may not drop what it does not find.
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
        "Configuration": CONFIGURATION,
    }


def keep(client: BaseClient, given: dict[str, Any]) -> CatalogueChange:
    """Create or update one crawler. Again, it changes nothing."""
    name = f"crawler {given['Name']}"
    try:
        held = client.get_crawler(Name=given["Name"])["Crawler"]
    except client.exceptions.EntityNotFoundException:
        client.create_crawler(**given)
        return CatalogueChange(name, "created")
    if _is_same(given, held):
        return CatalogueChange(name, "unchanged")
    client.update_crawler(**given)
    return CatalogueChange(name, "updated")


def _is_same(given: dict[str, Any], held: dict[str, Any]) -> bool:
    schedule = held.get("Schedule")
    cron = schedule.get("ScheduleExpression") if isinstance(schedule, dict) else schedule
    targets = {name: found for name, found in held.get("Targets", {}).items() if found}
    named = [
        {name: value for name, value in one.items() if name in ("DatabaseName", "Tables")}
        for one in targets.pop("CatalogTargets", [])
    ]
    # Glue gives a role as its name, whatever it was given as.
    role = str(held.get("Role", "")).rpartition("/")[2] == given["Role"].rpartition("/")[2]
    return (
        role
        and cron == given["Schedule"]
        and not targets
        and named == given["Targets"]["CatalogTargets"]
        and all(held.get(name) == given[name] for name in ("DatabaseName", "SchemaChangePolicy", "Configuration"))
    )

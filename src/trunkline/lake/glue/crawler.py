"""An hourly Glue crawler for those who want one. Tables with partition projection need none.

It crawls the registered table, not the folder: of a folder it would make a second table, in which the keys of the path
are columns twice. It merges new columns, and partitions inherit from the table. Each run is billed for at least ten
minutes of a DPU (AWS Glue pricing).
"""

from __future__ import annotations

import json
from typing import Any, Final

from trunkline.aws.errors import translate_errors
from trunkline.lake.glue.tables import CatalogueChange
from trunkline.sql.lake.glue import CatalogueTable

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
    """The CreateCrawler request for a table over files."""
    return {
        "Name": crawler_name(table.database, public_name),
        "Role": role,
        "DatabaseName": table.database,
        "Targets": {"CatalogTargets": [{"DatabaseName": table.database, "Tables": [table.name]}]},
        "Schedule": SCHEDULE,
        # Required of a crawler of catalogue tables, which must not drop what it does not find.
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
        "Configuration": CONFIGURATION,
    }


def register_crawler(client: Any, definition: dict[str, Any]) -> CatalogueChange:
    """Create or update one crawler from a CreateCrawler request. Idempotent.

    `client` is boto3's of `glue`. Raises TransientError where a retry may help, TerminalError where AWS refuses.
    """
    name = f"crawler {definition['Name']}"
    with translate_errors("glue", f"the Glue {name}"):
        try:
            existing = client.get_crawler(Name=definition["Name"])["Crawler"]
        except client.exceptions.EntityNotFoundException:
            client.create_crawler(**definition)
            return CatalogueChange(name, "created")
        if _is_same(definition, existing):
            return CatalogueChange(name, "unchanged")
        client.update_crawler(**definition)
        return CatalogueChange(name, "updated")


def _is_same(definition: dict[str, Any], existing: dict[str, Any]) -> bool:
    schedule = existing.get("Schedule")
    cron = schedule.get("ScheduleExpression") if isinstance(schedule, dict) else schedule
    targets = {kind: listed for kind, listed in existing.get("Targets", {}).items() if listed}
    tables = [
        {name: value for name, value in target.items() if name in ("DatabaseName", "Tables")}
        for target in targets.pop("CatalogTargets", [])
    ]
    # Glue answers with a role's name, whether it was set by name or by ARN.
    role = str(existing.get("Role", "")).rpartition("/")[2] == definition["Role"].rpartition("/")[2]
    return (
        role
        and cron == definition["Schedule"]
        and not targets
        and tables == definition["Targets"]["CatalogTargets"]
        and all(
            existing.get(name) == definition[name] for name in ("DatabaseName", "SchemaChangePolicy", "Configuration")
        )
    )

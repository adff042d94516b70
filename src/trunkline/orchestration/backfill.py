"""The state machine of a backfill: a Distributed Map over a list of files, each batch of them in its own function.

The functions put rows into the lake, where nothing is merged and no lock is held; then the object's own machine merges
what waits. A batch of files that is done again is found in the lake and not put again. The list is an S3 inventory, or
a CSV file with the columns of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from trunkline.errors import UsageError
from trunkline.lake.store import open_store
from trunkline.limits import MAP_BATCH_FILES, MAP_CONCURRENCY
from trunkline.objects import catalogue
from trunkline.orchestration.states import State, function, nested_execution, succeed
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import LakeHome, user_object_files
from trunkline.pipelines.home_rules import check_rule
from trunkline.pipelines.run.function import public_error
from trunkline.pipelines.runner import lake_context, put_into_lake
from trunkline.settings.installation import Settings
from trunkline.sources.registry import file_source, list_files

BACKFILL_NAME: Final = "trunkline-backfill"


def backfill_machine() -> dict[str, Any]:
    """The definition. Its input is `object`, `bucket` and `key` of the list, and `state_machine` of the object."""
    return {
        "Comment": "Files of an inventory or an export into the lake, thousands at once; then one merge. Generated.",
        "StartAt": "PutFiles",
        "TimeoutSeconds": 24 * 3600,
        "States": {
            "PutFiles": _map(),
            "Merge": nested_execution("The object's own machine merges what waits in the lake.", "$.merged", "Done"),
            "Done": succeed("Everything in the list is in the lake and in the warehouse."),
        },
    }


def _map() -> State:
    put = function(
        "BackfillFiles",
        {"object.$": "$.BatchInput.object", "Items.$": "$.Items"},
        ("rows_read", "dead_letter", "batches"),
        "$",
        "FilesDone",
        "Put the rows of these files into the lake.",
    )
    return {
        "Type": "Map",
        "Comment": "Child executions, each with a batch of files. A redrive runs those that failed.",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "MANIFEST"},
            "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
        },
        "ItemBatcher": {"MaxItemsPerBatch": MAP_BATCH_FILES, "BatchInput": {"object.$": "$.object"}},
        "MaxConcurrency": MAP_CONCURRENCY,
        "Label": "Files",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "PutBatch",
            "States": {"PutBatch": put, "FilesDone": succeed("These files are in the lake.")},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "${ResultsBucket}", "Prefix": "backfill"},
        },
        "ResultPath": None,
        "Next": "Merge",
    }


def put_files(event: Mapping[str, Any], settings: Settings) -> dict[str, int]:
    """Put the files of a batch into the lake: `rows_read`, `dead_letter` and `batches`.

    `Items` are lines of an inventory: `Bucket` and `Key`, which is URL-encoded, with columns of any more names. Raises
    the classes that state machines know.
    """
    try:
        return _put_files(event, settings)
    except Exception as error:  # noqa: BLE001 - the boundary: what leaves is one of ours, without secrets
        raise public_error(error, settings.secrets) from None


def _put_files(event: Mapping[str, Any], settings: Settings) -> dict[str, int]:
    objects = catalogue.load(user_object_files(settings))
    obj = catalogue.find(str(event.get("object")), objects)
    store = open_store(settings.lake)
    check_rule(settings, store, list(objects.values()))
    lake = LakeHome(settings, store, settings.home / "scratch")
    lake.scratch.mkdir(parents=True, exist_ok=True)
    files = list_files(obj, [_url(item) for item in event["Items"]])
    source = file_source(lake_context(lake, obj), files)
    records = put_into_lake(lake, FlattenPool(lake, obj), source)
    return {
        "rows_read": sum(record.read for record in records),
        "dead_letter": sum(record.dead_letter for record in records),
        "batches": len(records),
    }


def _url(item: Mapping[str, str]) -> str:
    missing = [name for name in ("Bucket", "Key") if not item.get(name)]
    if missing:
        raise UsageError(
            f"a line of the list has no {' and no '.join(missing)}; it needs an S3 inventory's columns Bucket and Key"
        )
    return f"s3://{item['Bucket']}/{unquote_plus(item['Key'])}"

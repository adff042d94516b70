"""DynamoDB tables: the object of each one, the rules for its items, its description, and enabling its stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, UsageError
from trunkline.objects.model import Object
from trunkline.settings import Settings
from trunkline.sources.dynamodb.items import Rules

VIEW_TYPE: Final = "NEW_AND_OLD_IMAGES"
_ENABLE_TRIES: Final = 150
_ENABLE_WAIT_S: Final = 2.0


def rules_of(settings: Settings) -> Rules:
    """The rules that the settings give."""
    return Rules(settings.dynamodb_deletes, settings.scorecard_zone)


def table_arn(stream_arn: str) -> str:
    """The ARN of a table from its stream's: the part before `/stream/`."""
    return stream_arn.partition("/stream/")[0]


def table_name(arn: str) -> str:
    """The name in the ARN of a table or a stream; a plain name is itself."""
    return table_arn(arn).partition(":table/")[2] if ":table/" in arn else arn


def object_of(table: str, settings: Settings, objects: Mapping[str, Object]) -> Object:
    """The object of a table's items: by ARN if the settings name it, else by name.

    `table` is a name, or the ARN of a table or of its stream. Raises UsageError where the settings name none.
    """
    routes = settings.dynamodb_tables
    name = routes.get(table_arn(table)) or routes.get(table_name(table))
    if name is None:
        raise UsageError(
            f"no object is set for the DynamoDB table {table_name(table)!r}; the setting dynamodb_tables names "
            f"{', '.join(f'{key} = {value}' for key, value in routes.items()) or 'none'}. Add it there"
        )
    if name not in objects:
        raise UsageError(
            f"the setting dynamodb_tables names {name!r} for {table_name(table)}, and there is no such object; objects "
            f"are {', '.join(objects)}"
        )
    return objects[name]


def enable_stream(client: Any, table: str, sleep: Callable[[float], None]) -> tuple[str, bool]:
    """Enable the table's stream with new and old images and wait for it. Its ARN, and whether it was off before.

    Raises UsageError where a stream of another type is on: DynamoDB cannot change it, and disabling it would stop its
    readers. Raises TerminalError where the stream does not become active.
    """
    described = describe_table(client, table)
    specification = described.get("StreamSpecification", {})
    was_off = not specification.get("StreamEnabled")
    if was_off:
        with translate_errors("dynamodb", f"the table {table}", UsageError):
            client.update_table(
                TableName=table, StreamSpecification={"StreamEnabled": True, "StreamViewType": VIEW_TYPE}
            )
    elif specification.get("StreamViewType") != VIEW_TYPE:
        raise UsageError(
            f"the stream of {table} is on with {specification.get('StreamViewType')}; {VIEW_TYPE} is needed. Disable "
            f"it (aws dynamodb update-table --table-name {table} --stream-specification StreamEnabled=false), then run "
            "this again: its readers need the new stream's ARN"
        )
    for _ in range(_ENABLE_TRIES):
        described = describe_table(client, table)
        now = described.get("StreamSpecification", {})
        is_on = now.get("StreamEnabled") and now.get("StreamViewType") == VIEW_TYPE
        if is_on and described.get("TableStatus") == "ACTIVE" and described.get("LatestStreamArn"):
            return described["LatestStreamArn"], was_off
        sleep(_ENABLE_WAIT_S)
    raise TerminalError(
        f"the stream of {table} was not active after {_ENABLE_TRIES * _ENABLE_WAIT_S:.0f} s; check it with: "
        f'aws dynamodb describe-table --table-name {table} --query "Table.StreamSpecification"'
    )


def describe_table(client: Any, table: str) -> dict[str, Any]:
    """DynamoDB's description of a table. Raises UsageError where there is no such table."""
    with translate_errors("dynamodb", f"the table {table}", UsageError):
        table_description: dict[str, Any] = client.describe_table(TableName=table)["Table"]
    return table_description

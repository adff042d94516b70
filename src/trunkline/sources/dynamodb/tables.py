"""DynamoDB tables: the object of each one, the rules for its items, its description, and enabling its stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, UsageError
from trunkline.objects.model import Object
from trunkline.settings.installation import Settings
from trunkline.sources.dynamodb.items import Rules

_PART: Final = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
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
    """The object of a table's items, by the setting `dynamodb_tables`.

    Its ARN decides, else its exact name, else the one table of the setting whose name is a part of this one's
    (`prod-calls`, `Calls`, `scorecards_2026`). `table` is a name, or the ARN of a table or of its stream. Raises
    UsageError where no object fits, or more than one.
    """
    routes, name = settings.dynamodb_tables, table_name(table)
    exact = routes.get(table_arn(table)) or routes.get(name)
    fitting = {exact} if exact is not None else _by_part(name, routes)
    listed = ", ".join(f"{key} = {value}" for key, value in routes.items()) or "none"
    if len(fitting) != 1:
        seen = f"can be {' or '.join(sorted(fitting))}" if fitting else "fits no object"
        raise UsageError(
            f"the DynamoDB table {name!r} {seen}: the setting dynamodb_tables names {listed}. Add {name} = OBJECT to it"
        )
    (object_name,) = fitting
    if object_name not in objects:
        raise UsageError(
            f"the setting dynamodb_tables names {object_name!r} for {name}, and there is no such object; objects "
            f"are {', '.join(objects)}"
        )
    return objects[object_name]


def _by_part(name: str, routes: Mapping[str, str]) -> set[str]:
    """The objects whose table in the setting, or whose own name, is a part of a name."""
    parts = _parts(name)

    def fits(other: str) -> bool:
        wanted = _parts(other)
        return any(parts[start : start + len(wanted)] == wanted for start in range(len(parts) - len(wanted) + 1))

    return {value for key, value in routes.items() if not key.startswith("arn:") and (fits(key) or fits(value))}


def _parts(name: str) -> list[str]:
    """The words of a name in lower case: `ProdCalls_2026` has prod, calls and 2026."""
    return [part.lower() for part in _PART.findall(name)]


def enable_stream(client: Any, table: str, sleep: Callable[[float], None]) -> tuple[str, bool]:
    """Enable the table's stream with new and old images and wait for it. Its ARN, and whether it was off before.

    Raises UsageError where a stream of another type is on: DynamoDB cannot change it, and disabling it would stop its
    readers. Raises TerminalError where the stream does not become active.
    """
    described = describe_table(client, table)
    specification = described.get("StreamSpecification", {})
    was_off = not specification.get("StreamEnabled")
    if was_off:
        with translate_errors("dynamodb", f"the DynamoDB table {table}", UsageError):
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
    with translate_errors("dynamodb", f"the DynamoDB table {table}", UsageError):
        table_description: dict[str, Any] = client.describe_table(TableName=table)["Table"]
    return table_description

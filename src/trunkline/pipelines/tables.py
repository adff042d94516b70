"""Which DynamoDB table is which object, by exact name or ARN, and the rules that people set for its items."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.errors import UsageError
from trunkline.objects.model import Object
from trunkline.settings import Settings
from trunkline.sources.dynamodb.shapes import Rules


def rules_of(settings: Settings) -> Rules:
    """The rules under these settings."""
    return Rules(settings.dynamodb_deletes, settings.scorecard_zone)


def table_arn(stream_arn: str) -> str:
    """The ARN of the table that a stream's ARN belongs to: what stands before `/stream/`."""
    return stream_arn.partition("/stream/")[0]


def table_name(arn: str) -> str:
    """The name in the ARN of a table or a stream; a plain name is itself."""
    return table_arn(arn).partition(":table/")[2] if ":table/" in arn else arn


def object_of(table: str, settings: Settings, objects: Mapping[str, Object]) -> Object:
    """The object that a table's items are, by its ARN if that is named in the settings, else by its name.

    `table` is a name, or the ARN of a table or of its stream. Raises UsageError where none is named.
    """
    routes = settings.dynamodb_tables
    name = routes.get(table_arn(table)) or routes.get(table_name(table))
    if name is None:
        raise UsageError(
            f"the DynamoDB table {table_name(table)!r} is no object here; setting dynamodb_tables names "
            f"{', '.join(f'{key} = {value}' for key, value in routes.items()) or 'none'}. Add it there"
        )
    if name not in objects:
        raise UsageError(
            f"setting dynamodb_tables says that {table_name(table)} holds {name!r}, which is no object; objects are "
            f"{', '.join(objects)}"
        )
    return objects[name]

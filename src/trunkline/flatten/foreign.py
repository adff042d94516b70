"""What a record without its key is, by its shape: a record of another object, or an envelope of something else.

For the message alone: it names the command that reads such a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from trunkline.objects import catalogue
from trunkline.objects.model import Object

_TAGS: Final = frozenset({"S", "N", "B", "M", "L", "SS", "NS", "BS", "BOOL", "NULL"})
_DETAIL_TYPE: Final = re.compile(r"[A-Za-z0-9 ._-]{1,80}")
_MIXED: Final = frozenset({"contact_record", "agent_event"})
_CONTACT_EVENT: Final = "a contact event: `trunkline load contact_event FILE` reads it"
_TRANSCRIPT: Final = "a transcript: `trunkline load transcript FILE` reads it"


def describe(obj: Object, record: Mapping[str, Any]) -> str | None:
    """What the record is, and what reads it; None where its shape says nothing."""
    return _of_table(obj, record) or _envelope(obj, record) or _other_record(obj, record)


def _of_table(obj: Object, record: Mapping[str, Any]) -> str | None:
    """An item of DynamoDB, or several, in one of the forms of AWS."""
    change, items = record.get("dynamodb"), record.get("Items", [record.get("Item")])
    if isinstance(change, dict) and "eventName" in record:
        images = [change.get(name) for name in ("NewImage", "OldImage", "Keys")]
        return f"a change of a DynamoDB table: {_table_command(images)}"
    if isinstance(items, list) and any(map(_is_item, items)):
        return f"items of a DynamoDB table, as a scan or an export writes them: {_table_command(items)}"
    if _is_item(record):
        return f"an item of a DynamoDB table in DynamoDB's own form: {_table_command([record])}"
    return None


def _is_item(value: object) -> bool:
    members = list(value.values()) if isinstance(value, Mapping) else []
    return bool(members) and all(isinstance(member, dict) and len(_TAGS & member.keys()) == 1 for member in members)


def _table_command(items: list[Any]) -> str:
    names = [name for item in items if isinstance(item, dict) and (name := _object_of(item))]
    if names:
        return f"`trunkline load {names[0]} FILE` reads it"
    return "`trunkline load OBJECT FILE` reads it, with the object that the setting dynamodb_tables gives the table"


def _envelope(obj: Object, record: Mapping[str, Any]) -> str | None:
    """An envelope of another service, whose content is not a record of the object."""
    messages = record.get("Records", record.get("Messages"))
    if isinstance(messages, list) and any(isinstance(message, dict) and "s3" in message for message in messages):
        return f"a notification of S3: `trunkline load {obj.name} s3://BUCKET/KEY` reads the file that it names"
    if "rawData" in record:
        return (
            "Firehose's error output, whose rawData is not JSON: its errorCode says why; load the file again from the "
            "records' origin, or fix Firehose's transformation"
        )
    if "detail-type" in record and "detail" in record:
        kind = str(record["detail-type"])
        if kind == "Amazon Connect Contact Event":
            return _CONTACT_EVENT
        name = f" ({kind})" if _DETAIL_TYPE.fullmatch(kind) else ""
        return f"an event of EventBridge{name}, whose detail is not a record of {obj.name}: leave such files out"
    if "logEvents" in record:
        return f"a subscription of CloudWatch Logs, whose messages are not records of {obj.name}: leave such files out"
    if (
        isinstance(messages, list)
        or {"Message", "TopicArn"} <= record.keys()
        or {"Body", "ReceiptHandle"} & record.keys()
    ):
        return f"a message of SQS, SNS or Kinesis, whose body is not a record of {obj.name}: leave such files out"
    return None


def _other_record(obj: Object, record: Mapping[str, Any]) -> str | None:
    """A record of another object."""
    if isinstance(record.get("results"), dict) or isinstance(record.get("Transcript"), list):
        return _TRANSCRIPT
    if {"contactId", "eventType"} <= record.keys():  # what is in the event
        return _CONTACT_EVENT
    name = _object_of(record)
    if name is None or name == obj.name:
        return None
    if {name, obj.name} <= _MIXED:
        return f"a record of {name}: `trunkline load {obj.name},{name} FILE` reads files that hold both"
    return f"a record of {name}: `trunkline load {name} FILE` reads it"


def _object_of(record: Mapping[str, Any]) -> str | None:
    """The catalogue's object that such a record is of: it has its first key, and half of its keys at least are its own.

    Ids and names are keys of many shapes, so that one key alone says little.
    """
    shares = {
        other.name: len(record.keys() & _top_keys(other.name)) / len(record)
        for other in catalogue.OBJECTS.values()
        if other.anchor in record
    }
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] >= 0.5 else None


@cache
def _top_keys(name: str) -> frozenset[str]:
    return frozenset(column.path[0] for column in catalogue.OBJECTS[name].columns if column.path)

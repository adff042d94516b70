"""A transformation of Firehose's records: one JSON object a line. Neither the lake nor the engine is needed for it.

Source: Firehose developer guide, "Transform source data": every recordId is answered once, with result Ok, Dropped or
ProcessingFailed and data in base64; the answer has at most 6 MB, and a record that fails goes to the error prefix.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from trunkline.errors import RecordError
from trunkline.limits import LAMBDA_ANSWER_BYTES_MAX
from trunkline.sources.kinesis.framing import one_object, shape_of

_ENTRY_BYTES: Final = 100
"""What an entry of the answer has beside its data: keys, result, record id."""


def transform(records: Sequence[dict[str, Any]], keep: str = "") -> list[dict[str, str]]:
    """The answer's records, in order. With `keep` only the object of that name: others are Dropped.

    What is no JSON object is ProcessingFailed, with its bytes: Firehose writes it to the error prefix, where `load`
    reads it. So is what does not fit into the answer any more: Firehose has its bytes.
    """
    answer: list[dict[str, str]] = []
    size = 0
    for record in records:
        entry = _transformed(record, keep)
        length = len(entry.get("data", "")) + len(entry["recordId"]) + _ENTRY_BYTES
        if entry["result"] == "Ok" and size + length > LAMBDA_ANSWER_BYTES_MAX:
            entry = {"recordId": entry["recordId"], "result": "ProcessingFailed"}
            length = len(entry["recordId"]) + _ENTRY_BYTES
        size += length
        answer.append(entry)
    return answer


def _transformed(record: dict[str, Any], keep: str) -> dict[str, str]:
    record_id, data = str(record["recordId"]), str(record["data"])
    try:
        text = one_object(base64.b64decode(data, validate=True))
    except (RecordError, binascii.Error, ValueError):
        return {"recordId": record_id, "result": "ProcessingFailed", "data": data}
    if keep and shape_of(text) not in (keep, None):
        return {"recordId": record_id, "result": "Dropped"}
    line = base64.b64encode(text.replace(b"\r\n", b" ").replace(b"\n", b" ") + b"\n").decode()
    return {"recordId": record_id, "result": "Ok", "data": line}

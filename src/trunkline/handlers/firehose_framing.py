"""The Lambda function `firehose_framing`: a transformation of Firehose that ends each record with a newline.

Firehose writes records one after another without anything between them, which Athena's JSON SerDes cannot read. It is
also where records of other objects are dropped that share the stream: TRUNKLINE_FIREHOSE_OBJECT names the one to keep.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from trunkline.settings.installation import Settings
from trunkline.sources.kinesis.firehose import transform


@cache
def _kept_object() -> str:
    """Read once for all invocations of a warm function."""
    return Settings.load().firehose_object


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Firehose's answer: each `recordId` once, with `result` Ok, Dropped or ProcessingFailed."""
    del context
    return {"records": transform(event["records"], _kept_object())}

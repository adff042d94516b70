"""The Lambda function `persist_agent_event`: a point of a time series for each agent event.

Its events are those of a Kinesis stream; contact records in the same stream are ignored.
TRUNKLINE_LIVE_STORE names the store, TRUNKLINE_LETTER_QUEUE where to send what cannot be used.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from trunkline import clock
from trunkline.pipelines.live.function import LiveFunction
from trunkline.pipelines.live.persist import persist_agent_events


@cache
def _function() -> LiveFunction:
    """Made once for all invocations of a warm function."""
    return LiveFunction.of_environment()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`written`, `ignored`, `set_aside` and Lambda's `batchItemFailures`."""
    del context
    function = _function()
    done = persist_agent_events(event, function.store, function.put_letters, clock.now())
    failures = [{"itemIdentifier": record.sequence} for record in done.failed[:1]]
    return {
        "written": done.written,
        "ignored": done.ignored,
        "set_aside": done.set_aside,
        "batchItemFailures": failures,
    }
